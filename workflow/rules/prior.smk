"""Priors: a VQA model is asked about every person, in shards that are merged into one view."""


rule gradcam:
    input:
        script=script("gradcam"),
        code=code("gradcam"),
        manifest=f"{DATA}/manifest.parquet",
        bodies=f"{DATA}/bodies.parquet",
        weights=vqa_files(),
    output:
        f"{PRIOR}/{{shard}}-of-{{shards}}.h5",
    log:
        "logs/{dataset}/{prior}/{shard}-of-{shards}.log",
    benchmark:
        "results/benchmarks/gradcam/{dataset}-{prior}-{shard}-of-{shards}.tsv"
    resources:
        gpu=GPU,
    params:
        images=lambda wildcards: image_root(wildcards.dataset),
        weights=lambda wildcards, input: folder_of(input.weights),
        settings=prior_settings(),
        device=config["device"],
    shell:
        "python {input.script} --manifest {input.manifest} --images {params.images:q}"
        " --bodies {input.bodies} --weights {params.weights:q} --settings {params.settings:q}"
        " --shard {wildcards.shard} --shards {wildcards.shards} --device {params.device}"
        " --out {output} > {log} 2>&1"


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
