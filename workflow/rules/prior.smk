"""Priors: a VQA model is asked about every person, in shards that are merged into one view."""


rule gradcam:
    """Maps of a shard; the store's name says what points at the person, and whose maps it holds."""
    input:
        script=script("gradcam"),
        code=code("gradcam"),
        manifest=f"{DATA}/manifest.parquet",
        bodies=f"{DATA}/bodies.parquet",
        weights=vqa_files(),
    output:
        f"{DATA}/priors/{config['prior']['name']}-{{overlay}}{{which}}/{{shard}}-of-{{shards}}.h5",
    log:
        f"logs/{{dataset}}/{config['prior']['name']}-{{overlay}}{{which}}/{{shard}}-of-{{shards}}.log",
    benchmark:
        f"results/benchmarks/gradcam/{{dataset}}-{config['prior']['name']}-{{overlay}}{{which}}-{{shard}}-of-{{shards}}.tsv"
    wildcard_constraints:
        overlay="body|head|none",
        which="(-of-test)?",
    threads: config["prior"]["workers"]
    resources:
        gpu=GPU,
    params:
        images=lambda wildcards: image_root(wildcards.dataset),
        weights=lambda wildcards, input: folder_of(input.weights),
        settings=prior_settings,
        device=config["device"],
    # What stands in the command alone never changes a bit, and a change of it makes nothing again.
    shell:
        "python {input.script} --manifest {input.manifest} --images {params.images:q}"
        " --bodies {input.bodies} --weights {params.weights:q} --settings {params.settings:q}"
        " --shard {wildcards.shard} --shards {wildcards.shards} --workers {threads}"
        " --failures {config[failures]} --device {params.device} --out {output} > {log} 2>&1"


rule merge:
    input:
        script=script("merge"),
        code=code("merge"),
        shards=expand(
            f"{DATA}/priors/{{prior}}/{{shard}}-of-{{shards}}.h5",
            shard=range(1, config["prior"]["shards"] + 1),
            shards=config["prior"]["shards"],
            allow_missing=True,
        ),
    output:
        f"{PRIOR}.h5",
    log:
        "logs/{dataset}/{prior}/merge.log",
    benchmark:
        "results/benchmarks/merge/{dataset}-{prior}.tsv"
    localrule: True
    shell:
        "python {input.script} --shards {input.shards} --out {output} > {log} 2>&1"


rule overlays:
    """The paper's Table S7 of a data set; overlays that no study uses are made for test people alone."""
    input:
        script=script("table_s7"),
        code=code("table_s7"),
        priors=[f"{DATA}/priors/{name}.h5" for name in priors_by_overlay()],
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
    shell:
        "python {input.script} --priors {input.priors} --samples {input.samples}"
        " --manifest {input.manifest} --annotations {input.annotations} --size {params.size}"
        " --csv {output.csv} --page {output.page} > {log} 2>&1"


rule table_s7:
    input:
        [f"results/data/{name}/tables/table_s7.md" for name in reported_datasets()],
    localrule: True
