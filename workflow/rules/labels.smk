"""The label split: what it hides, nothing below may read."""


rule split:
    input:
        script=script("split"),
        code=code("split"),
        manifest=data("manifest.parquet"),
    output:
        f"{STUDY}/labels.parquet",
    log:
        "logs/{study}/labels{share}-seed{seed}/split.log",
    benchmark:
        "results/benchmarks/split/{study}-labels{share}-seed{seed}.tsv"
    localrule: True
    params:
        validation=config["split"]["validation"],
    shell:
        "python {input.script} --manifest {input.manifest} --share {wildcards.share}"
        " --validation {params.validation} --seed {wildcards.seed} --out {output} > {log} 2>&1"
