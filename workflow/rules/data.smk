"""Data sets: pictures to a manifest, a cache of resized pictures, and body boxes."""


rule world:
    input:
        script=script("world"),
        code=code("world"),
    output:
        images=directory(f"{DATA}/images"),
        manifest=f"{DATA}/manifest.parquet",
        annotations=f"{DATA}/annotations.parquet",
        bodies=f"{DATA}/true-bodies.parquet",
    log:
        "logs/{dataset}/world.log",
    benchmark:
        "results/benchmarks/world/{dataset}.tsv"
    wildcard_constraints:
        dataset=names_of("world"),
    threads: 2
    params:
        settings=lambda wildcards: told(preparing.world(config, wildcards.dataset)),
    shell:
        "python {input.script} --settings {params.settings:q} --images {output.images}"
        " --manifest {output.manifest} --annotations {output.annotations}"
        " --bodies {output.bodies} --workers {threads} > {log} 2>&1"


rule find_heads:
    """Head boxes for own images that come without any; an image more or less repeats it."""
    input:
        script=script("find_heads"),
        code=code("find_heads"),
        weights=detector_files("heads"),
    output:
        f"{DATA}/heads.csv",
    log:
        "logs/{dataset}/find_heads.log",
    benchmark:
        "results/benchmarks/find_heads/{dataset}.tsv"
    wildcard_constraints:
        dataset=names_of("folder"),
    resources:
        gpu=GPU,
    params:
        images=lambda wildcards: image_root(wildcards.dataset),
        names=lambda wildcards: text_digest(*picture_names(Path(image_root(wildcards.dataset)))),
        weights=lambda wildcards, input: folder_of(input.weights),
        settings=told(preparing.heads(config)),
        device=config["device"],
    shell:
        "python {input.script} --images {params.images:q} --weights {params.weights:q}"
        " --settings {params.settings:q} --device {params.device}"
        " --out {output} > {log} 2>&1"


rule read:
    """Check a data set that is not the demo world, and bring it into the manifest's form."""
    input:
        script=script("read"),
        code=code("read"),
        annotations=annotations_given,
    output:
        manifest=f"{DATA}/manifest.parquet",
        annotations=f"{DATA}/annotations.parquet",
        bodies=f"{DATA}/given-bodies.parquet",
        summary=report(f"{DATA}/check.txt", category="Data"),
    log:
        "logs/{dataset}/read.log",
    benchmark:
        "results/benchmarks/read/{dataset}.tsv"
    wildcard_constraints:
        dataset=names_of("gazefollow", "videoattentiontarget", "gazelle", "folder"),
    threads: 2
    params:
        source=lambda wildcards: as_json(source_of(wildcards.dataset)),
    shell:
        "python {input.script} --source {params.source:q} --failures {config[failures]}"
        " --manifest {output.manifest} --annotations {output.annotations} --bodies {output.bodies}"
        " --summary {output.summary} > {log} 2>&1"


rule samples:
    input:
        script=script("samples"),
        code=code("samples"),
        manifest=f"{DATA}/manifest.parquet",
    output:
        f"{DATA}/samples-{{size}}.h5",
    log:
        "logs/{dataset}/samples-{size}.log",
    benchmark:
        "results/benchmarks/samples/{dataset}-{size}.tsv"
    params:
        images=lambda wildcards: image_root(wildcards.dataset),
    shell:
        "python {input.script} --manifest {input.manifest} --images {params.images:q}"
        " --size {wildcards.size} --failures {config[failures]} --out {output} > {log} 2>&1"


rule detect:
    """Bodies of a shard: a run of images in whole batches."""
    input:
        weights=detector_files("detect"),
        script=script("detect"),
        code=code("detect"),
        manifest=f"{DATA}/manifest.parquet",
        given=given_bodies,
    output:
        f"{DATA}/bodies/{{shard}}-of-{{shards}}.parquet",
    log:
        "logs/{dataset}/detect/{shard}-of-{shards}.log",
    benchmark:
        "results/benchmarks/detect/{dataset}-{shard}-of-{shards}.tsv"
    resources:
        gpu=GPU,
    params:
        images=lambda wildcards: image_root(wildcards.dataset),
        weights=lambda wildcards, input: folder_of(input.weights),
        settings=told(preparing.detect(config)),
        device=config["device"],
        given=lambda wildcards, input: f"--given {input.given}" if input.given else "",
    shell:
        "python {input.script} --manifest {input.manifest} --images {params.images:q}"
        " --weights {params.weights:q} --settings {params.settings:q} {params.given}"
        " --shard {wildcards.shard} --shards {wildcards.shards} --failures {config[failures]}"
        " --device {params.device} --out {output} > {log} 2>&1"


rule bodies:
    input:
        script=script("merge_bodies"),
        code=code("merge_bodies"),
        shards=expand(
            f"{DATA}/bodies/{{shard}}-of-{{shards}}.parquet",
            shard=range(1, config["detect"]["shards"] + 1),
            shards=config["detect"]["shards"],
            allow_missing=True,
        ),
        given=given_bodies,
    output:
        f"{DATA}/bodies.parquet",
    log:
        "logs/{dataset}/bodies.log",
    benchmark:
        "results/benchmarks/merge/{dataset}-bodies.tsv"
    localrule: True
    params:
        given=lambda wildcards, input: f"--given {input.given}" if input.given else "",
    shell:
        "python {input.script} --shards {input.shards} {params.given} --out {output} > {log} 2>&1"
