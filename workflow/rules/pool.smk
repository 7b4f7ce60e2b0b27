"""Pools: the people of several data sets, for studies with several sources. Nothing is computed again."""


ruleorder: pool_bodies > bodies
ruleorder: pool_samples > samples
ruleorder: pool_deep_samples > deep_samples
ruleorder: pool_priors > merge


rule pool:
    input:
        script=script("pool"),
        manifests=lambda wildcards: of_members(wildcards.dataset, "manifest.parquet").values(),
    output:
        images=directory(f"{DATA}/images"),
        manifest=f"{DATA}/manifest.parquet",
        members=f"{DATA}/members.parquet",
    log:
        "logs/{dataset}/pool.log",
    benchmark:
        "results/benchmarks/pool/{dataset}.tsv"
    wildcard_constraints:
        dataset=names_of("pool"),
    localrule: True
    params:
        options=pool_options("manifest.parquet"),
        roots=pool_roots,
    shell:
        "python {input.script:q} {params.options:q} --roots={params.roots:q} --images={output.images:q}"
        " --manifest={output.manifest:q} --members={output.members:q} > {log:q} 2>&1"


rule pool_labels:
    input:
        script=script("pool_labels"),
        annotated=lambda wildcards: of_members(wildcards.dataset, "annotated.parquet").values(),
        annotations=pool_annotations,
    output:
        annotated=f"{DATA}/annotated.parquet",
        annotations=f"{DATA}/annotations.parquet",
    log:
        "logs/{dataset}/pool-labels.log",
    benchmark:
        "results/benchmarks/pool/{dataset}-labels.tsv"
    wildcard_constraints:
        dataset=names_of("pool"),
    localrule: True
    params:
        options=pool_options("annotated.parquet"),
    shell:
        "python {input.script:q} {params.options:q} --annotations={input.annotations:q}"
        " --annotated={output.annotated:q} --points={output.annotations:q} > {log:q} 2>&1"


rule pool_bodies:
    input:
        script=script("pool_bodies"),
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
        "python {input.script:q} --members={input.members:q} --bodies={params.bodies:q}"
        " --out={output:q} > {log:q} 2>&1"


rule pool_samples:
    input:
        script=script("pool_samples"),
        members=f"{DATA}/members.parquet",
        manifest=f"{DATA}/manifest.parquet",
        caches=lambda wildcards: caches_of_members(wildcards).values(),
    output:
        f"{DATA}/samples-{{size}}.h5",
    log:
        "logs/{dataset}/pool-samples-{size}.log",
    benchmark:
        "results/benchmarks/pool/{dataset}-samples-{size}.tsv"
    wildcard_constraints:
        dataset=names_of("pool"),
    params:
        caches=lambda wildcards: as_json(caches_of_members(wildcards)),
    shell:
        "python {input.script:q} --members={input.members:q} --manifest={input.manifest:q}"
        " --caches={params.caches:q} --size={wildcards.size:q} --out={output:q} > {log:q} 2>&1"


use rule pool_samples as pool_deep_samples with:
    input:
        script=script("pool_samples"),
        members=f"{DATA}/members.parquet",
        manifest=f"{DATA}/manifest.parquet",
        caches=lambda wildcards: deep_caches_of_members(wildcards).values(),
    output:
        f"{DATA}/{{deep}}-samples-{{size}}.h5",
    log:
        "logs/{dataset}/pool-{deep}-samples-{size}.log",
    benchmark:
        "results/benchmarks/pool/{dataset}-{deep}-samples-{size}.tsv"
    wildcard_constraints:
        dataset=names_of("pool"),
        deep="deep|shuffled",
    params:
        caches=lambda wildcards: as_json(deep_caches_of_members(wildcards)),


rule pool_priors:
    input:
        script=script("pool_priors"),
        members=f"{DATA}/members.parquet",
        manifest=f"{DATA}/manifest.parquet",
        manifests=lambda wildcards: of_members(wildcards.dataset, "manifest.parquet").values(),
        stores=lambda wildcards: stores_of_members(wildcards).values(),
    output:
        f"{PRIOR}.h5",
    log:
        "logs/{dataset}/{store}/pool.log",
    benchmark:
        "results/benchmarks/pool/{dataset}-{store}.tsv"
    wildcard_constraints:
        dataset=names_of("pool"),
    params:
        stores=lambda wildcards: as_json(people_and_stores(wildcards)),
    shell:
        "python {input.script:q} --members={input.members:q} --manifest={input.manifest:q}"
        " --stores={params.stores:q} --out={output:q} > {log:q} 2>&1"
