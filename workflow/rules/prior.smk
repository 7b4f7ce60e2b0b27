"""Priors of models that are asked about every person, in shards that are merged into one view."""


rule gradcam:
    """Maps of a shard; the store's name says what points at the person, and whose maps it holds."""
    input:
        script=script("gradcam"),
        code=code("gradcam"),
        manifest=f"{DATA}/manifest.parquet",
        bodies=f"{DATA}/bodies.parquet",
        weights=vqa_files,
    output:
        f"{PRIOR}/{{shard}}-of-{{shards}}.h5",
    log:
        "logs/{dataset}/{store}/{shard}-of-{shards}.log",
    benchmark:
        "results/benchmarks/gradcam/{dataset}-{store}-{shard}-of-{shards}.tsv"
    wildcard_constraints:
        store=stores_of("vqa"),
    threads: lambda wildcards: of_store(wildcards).workers
    resources:
        gpu=GPU,
    params:
        images=lambda wildcards: image_root(wildcards.dataset),
        weights=lambda wildcards, input: folder_of(input.weights),
        settings=store_settings,
        device=config["device"],
    # What stands in the command alone never changes a bit, and a change of it makes nothing again.
    shell:
        "python {input.script} --manifest {input.manifest} --images {params.images:q}"
        " --bodies {input.bodies} --weights {params.weights:q} --settings {params.settings:q}"
        " --shard {wildcards.shard} --shards {wildcards.shards} --workers {threads}"
        " --failures {config[failures]} --device {params.device} --out {output} > {log} 2>&1"


if os.path.exists(script("pointing")):

    use rule gradcam as pointing with:
        input:
            script=script("pointing"),
            code=code("pointing"),
            manifest=f"{DATA}/manifest.parquet",
            bodies=f"{DATA}/bodies.parquet",
            weights=lambda wildcards: of_store(wildcards).model_files(),
        benchmark:
            "results/benchmarks/pointing/{dataset}-{store}-{shard}-of-{shards}.tsv"
        wildcard_constraints:
            store=stores_of("pointing"),


rule merge:
    input:
        script=script("merge"),
        code=code("merge"),
        shards=store_shards,
    output:
        f"{PRIOR}.h5",
    log:
        "logs/{dataset}/{store}/merge.log",
    benchmark:
        "results/benchmarks/merge/{dataset}-{store}.tsv"
    wildcard_constraints:
        store=stores_of("vqa", "pointing"),
    localrule: True
    shell:
        "python {input.script} --shards {input.shards} --out {output} > {log} 2>&1"


rule overlays:
    """The paper's Table S7 of a data set; overlays that no study uses are made for test people alone."""
    input:
        script=script("table_s7"),
        code=code("table_s7"),
        priors=overlay_stores,
        samples=f"{DATA}/samples-{config['samples']['size']}.h5",
        manifest=f"{DATA}/manifest.parquet",
        annotations=f"{DATA}/annotations.parquet",
    output:
        csv=f"{DATA}/tables/table_s7.csv",
        page=f"{DATA}/tables/table_s7.md",
    log:
        "logs/{dataset}/table_s7.log",
    benchmark:
        "results/benchmarks/overlays/{dataset}.tsv"
    params:
        size=config["heatmap"]["size"],
        names=lambda wildcards, input: [STORES[Path(path).stem].name for path in input.priors],
    shell:
        "python {input.script} --priors {input.priors} --names {params.names}"
        " --samples {input.samples} --manifest {input.manifest} --annotations {input.annotations}"
        " --size {params.size} --csv {output.csv} --page {output.page} > {log} 2>&1"


rule table_s7:
    input:
        [in_data(name, "tables/table_s7.md") for name in reported_datasets()],
    localrule: True
