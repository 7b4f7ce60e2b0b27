"""The label split: what it hides, nothing below may read."""


rule split:
    input:
        script=script("split"),
        annotated=data("annotated.parquet"),
        released=released_split,
    output:
        LABELS,
    log:
        "logs/{study}/labels{share}-seed{seed}/split.log",
    benchmark:
        "results/benchmarks/split/{study}-labels{share}-seed{seed}.tsv"
    priority: 100  # a share that leaves nobody labelled ends the run before dear stages begin
    localrule: True
    params:
        settings=lambda wildcards: settings_json(
            preparing.split(config, wildcards.study, wildcards.share)
        ),
        released=released_options,
    shell:
        "python {input.script:q} --annotated={input.annotated:q} --settings={params.settings:q}"
        " --seed={wildcards.seed:q} {params.released:q} --out={output:q} > {log:q} 2>&1"


rule hidden_points:
    """The points of people whom the split of an adapting study hides: the evaluation alone reads them."""
    input:
        script=script("hidden_points"),
        annotated=data("annotated.parquet"),
        annotations=data("annotations.parquet"),
        labels=LABELS,
    output:
        f"{STUDY}/hidden.parquet",
    log:
        "logs/{study}/labels{share}-seed{seed}/hidden.log",
    benchmark:
        "results/benchmarks/hidden/{study}-labels{share}-seed{seed}.tsv"
    localrule: True
    shell:
        "python {input.script:q} --annotated={input.annotated:q} --annotations={input.annotations:q}"
        " --labels={input.labels:q} --out={output:q} > {log:q} 2>&1"


rule originals:
    """What random crops of the labelled people are cut from."""
    input:
        script=script("originals"),
        manifest=data("manifest.parquet"),
        labels=LABELS,
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
        "python {input.script:q} --manifest={input.manifest:q} --labels={input.labels:q}"
        " --images={params.images:q} --size={params.size:q} --out={output:q} > {log:q} 2>&1"
