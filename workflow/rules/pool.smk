"""Pools: the people of several data sets, for studies with several sources. Nothing is computed again."""


ruleorder: pool_bodies > bodies
ruleorder: pool_samples > samples
ruleorder: pool_priors > merge


rule pool:
    input:
        script=script("pool"),
        code=code("pool"),
        manifests=lambda wildcards: of_members(wildcards.dataset, "manifest.parquet").values(),
        annotations=lambda wildcards: in_data(
            config["datasets"][wildcards.dataset]["test"], "annotations.parquet"
        ),
    output:
        images=directory(f"{DATA}/images"),
        manifest=f"{DATA}/manifest.parquet",
        annotations=f"{DATA}/annotations.parquet",
        members=f"{DATA}/members.parquet",
    log:
        "logs/{dataset}/pool.log",
    benchmark:
        "results/benchmarks/pool/{dataset}.tsv"
    wildcard_constraints:
        dataset=names_of("pool"),
    localrule: True
    params:
        sources=lambda wildcards: as_json(config["datasets"][wildcards.dataset]),
        manifests=lambda wildcards: as_json(of_members(wildcards.dataset, "manifest.parquet")),
        roots=lambda wildcards: as_json(
            {name: image_root(name) for name in members_of(config["datasets"][wildcards.dataset])}
        ),
    shell:
        "python {input.script} --sources {params.sources:q} --manifests {params.manifests:q}"
        " --roots {params.roots:q} --annotations {input.annotations} --images {output.images}"
        " --manifest {output.manifest} --points {output.annotations}"
        " --members {output.members} > {log} 2>&1"


rule pool_bodies:
    input:
        script=script("pool_bodies"),
        code=code("pool_bodies"),
        members=f"{DATA}/members.parquet",
        bodies=lambda wildcards: of_members(wildcards.dataset, "bodies.parquet").values(),
    output:
        f"{DATA}/bodies.parquet",
    log:
        "logs/{dataset}/pool-bodies.log",
    benchmark:
        "results/benchmarks/pool/{dataset}-bodies.tsv"
    wildcard_constraints:
        dataset=names_of("pool"),
    localrule: True
    params:
        bodies=lambda wildcards: as_json(of_members(wildcards.dataset, "bodies.parquet")),
    shell:
        "python {input.script} --members {input.members} --bodies {params.bodies:q}"
        " --out {output} > {log} 2>&1"


rule pool_samples:
    input:
        script=script("pool_samples"),
        code=code("pool_samples"),
        members=f"{DATA}/members.parquet",
        manifest=f"{DATA}/manifest.parquet",
        caches=lambda wildcards: of_members(
            wildcards.dataset, f"samples-{wildcards.size}.h5"
        ).values(),
    output:
        f"{DATA}/samples-{{size}}.h5",
    log:
        "logs/{dataset}/pool-samples-{size}.log",
    benchmark:
        "results/benchmarks/pool/{dataset}-samples-{size}.tsv"
    wildcard_constraints:
        dataset=names_of("pool"),
    localrule: True
    params:
        caches=lambda wildcards: as_json(
            of_members(wildcards.dataset, f"samples-{wildcards.size}.h5")
        ),
    shell:
        "python {input.script} --members {input.members} --manifest {input.manifest}"
        " --caches {params.caches:q} --size {wildcards.size} --out {output} > {log} 2>&1"


rule pool_priors:
    input:
        script=script("pool_priors"),
        code=code("pool_priors"),
        members=f"{DATA}/members.parquet",
        manifest=f"{DATA}/manifest.parquet",
        manifests=lambda wildcards: of_members(wildcards.dataset, "manifest.parquet").values(),
        stores=lambda wildcards: of_members(
            wildcards.dataset, f"priors/{wildcards.store}.h5"
        ).values(),
    output:
        f"{PRIOR}.h5",
    log:
        "logs/{dataset}/{store}/pool.log",
    benchmark:
        "results/benchmarks/pool/{dataset}-{store}.tsv"
    wildcard_constraints:
        dataset=names_of("pool"),
    localrule: True
    params:
        stores=lambda wildcards: as_json(
            {
                name: [in_data(name, "manifest.parquet"), store]
                for name, store in of_members(
                    wildcards.dataset, f"priors/{wildcards.store}.h5"
                ).items()
            }
        ),
    shell:
        "python {input.script} --members {input.members} --manifest {input.manifest}"
        " --stores {params.stores:q} --out {output} > {log} 2>&1"
