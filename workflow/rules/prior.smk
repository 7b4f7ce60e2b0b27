"""Priors of models that are asked about every person, in shards that are merged into one view.

A store's name says what points at the person, and whose maps it holds.
"""


rule gradcam:
    input:
        script=script("gradcam"),
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
    priority: 20  # labels and a student wait for it
    threads: lambda wildcards: of_store(wildcards).workers
    params:
        options=looking_options,
        settings=store_settings,
    shell:
        "python {input.script:q} --manifest={input.manifest:q} {params.options:q} --workers={threads:q}"
        " --bodies={input.bodies:q} --settings={params.settings:q} --shard={wildcards.shard:q}"
        " --shards={wildcards.shards:q} --failures={config[failures]:q} --out={output:q} > {log:q} 2>&1"


use rule gradcam as pointing with:
    input:
        script=script("pointing"),
        manifest=f"{DATA}/manifest.parquet",
        bodies=f"{DATA}/bodies.parquet",
        weights=lambda wildcards: of_store(wildcards).model_files(DOWNLOADS),
    benchmark:
        "results/benchmarks/pointing/{dataset}-{store}-{shard}-of-{shards}.tsv"
    wildcard_constraints:
        store=stores_of("pointing"),


rule merge:
    input:
        script=script("merge"),
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
        "python {input.script:q} --shards {input.shards:q} --out={output:q} > {log:q} 2>&1"


rule overlays:
    """The paper's Table S7 of a data set; overlays that no study uses are made for test people alone."""
    input:
        script=script("table_s7"),
        priors=overlay_stores,
        samples=f"{DATA}/samples-{config['samples']['size']}.h5",
        manifest=f"{DATA}/manifest.parquet",
        annotations=f"{DATA}/annotations.parquet",
    output:
        multiext(f"{DATA}/tables/table_s7", csv=".csv", page=".md"),
    log:
        "logs/{dataset}/table_s7.log",
    benchmark:
        "results/benchmarks/overlays/{dataset}.tsv"
    params:
        size=config["heatmap"]["size"],
        names=overlay_names,
    shell:
        "python {input.script:q} --priors {input.priors:q} {params.names:q}"
        " --samples={input.samples:q} --manifest={input.manifest:q} --annotations={input.annotations:q}"
        " --size={params.size:q} --csv={output.csv:q} --page={output.page:q} > {log:q} 2>&1"


rule table_s7:
    """Raw maps by layer and overlay (Table S7), of the data sets reported."""
    input:
        [in_data(name, "tables/table_s7.md") for name in reported_datasets()],
    localrule: True
