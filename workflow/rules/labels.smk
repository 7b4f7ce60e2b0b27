"""The label split: what it hides, nothing below may read. And larger pictures of those it shows."""


rule split:
    input:
        script=script("split"),
        code=code("split"),
        manifest=data("manifest.parquet"),
        released=released_split,
    output:
        f"{STUDY}/labels.parquet",
    log:
        "logs/{study}/labels{share}-seed{seed}/split.log",
    benchmark:
        "results/benchmarks/split/{study}-labels{share}-seed{seed}.tsv"
    priority: 100  # a share that leaves nobody labelled ends the run before dear stages begin
    localrule: True
    params:
        settings=lambda wildcards: told(preparing.split(config, wildcards.share)),
        released=lambda wildcards, input: f"--released {input.released}" if input.released else "",
        source=released_source,
    shell:
        "python {input.script} --manifest {input.manifest} --settings {params.settings:q}"
        " --seed {wildcards.seed}"
        " {params.released} {params.source} --out {output} > {log} 2>&1"


rule originals:
    """What random crops of the labelled people are cut from."""
    input:
        script=script("originals"),
        code=code("originals"),
        manifest=data("manifest.parquet"),
        labels=f"{STUDY}/labels.parquet",
    output:
        f"{STUDY}/originals.h5",
    log:
        "logs/{study}/labels{share}-seed{seed}/originals.log",
    benchmark:
        "results/benchmarks/originals/{study}-labels{share}-seed{seed}.tsv"
    params:
        images=lambda wildcards: image_root(config["studies"][wildcards.study]["dataset"]),
        size=config["samples"]["size"],
    shell:
        "python {input.script} --manifest {input.manifest} --labels {input.labels}"
        " --images {params.images:q} --size {params.size} --out {output} > {log} 2>&1"
