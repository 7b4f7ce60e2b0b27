"""Data sets: pictures to a manifest, a cache of resized pictures, and body boxes."""


ruleorder: own_manifest > manifest


rule world:
    input:
        script=script("world"),
    output:
        images=directory(f"{DATA}/images"),
        manifest=f"{DATA}/manifest.parquet",
        annotated=f"{DATA}/annotated.parquet",
        annotations=f"{DATA}/annotations.parquet",
        bodies=f"{DATA}/true-bodies.parquet",
    log:
        "logs/{dataset}/world.log",
    benchmark:
        "results/benchmarks/world/{dataset}.tsv"
    wildcard_constraints:
        dataset=names_of("world"),
    params:
        settings=lambda wildcards: settings_json(preparing.world(config, wildcards.dataset)),
    shell:
        "python {input.script:q} --settings={params.settings:q} --images={output.images:q}"
        " --manifest={output.manifest:q} --annotated={output.annotated:q}"
        " --annotations={output.annotations:q} --bodies={output.bodies:q} --workers={threads:q}"
        " > {log:q} 2>&1"


use rule world as show with:
    input:
        script=script("show"),
    log:
        "logs/{dataset}/show.log",
    benchmark:
        "results/benchmarks/show/{dataset}.tsv"
    wildcard_constraints:
        dataset=names_of("world-show"),
    params:
        settings=lambda wildcards: settings_json(preparing.world_show(config, wildcards.dataset)),


rule find_heads:
    """Head boxes for own images that come without any; an image more or less repeats it."""
    input:
        script=script("find_heads"),
        weights=detector_files("heads"),
    output:
        f"{DATA}/heads.csv",
    log:
        "logs/{dataset}/find_heads.log",
    benchmark:
        "results/benchmarks/find_heads/{dataset}.tsv"
    wildcard_constraints:
        dataset=names_of("folder"),
    params:
        names=picture_digest,
        options=looking_options,
        settings=settings_json(preparing.heads_settings(config)),
    shell:
        "python {input.script:q} {params.options:q} --settings={params.settings:q} --out={output:q}"
        " > {log:q} 2>&1"


rule read:
    """Check a data set that is not the demo world, and bring it into the form that all have."""
    input:
        script=script("read"),
        annotations=source_annotations,
    output:
        annotated=f"{DATA}/annotated.parquet",
        annotations=f"{DATA}/annotations.parquet",
        bodies=f"{DATA}/given-bodies.parquet",
        summary=report(f"{DATA}/check.txt", category="Data"),
    log:
        "logs/{dataset}/read.log",
    benchmark:
        "results/benchmarks/read/{dataset}.tsv"
    wildcard_constraints:
        dataset=names_of(*DATASET_KINDS),
    params:
        source=lambda wildcards: as_json(source_of(wildcards.dataset)),
    shell:
        "python {input.script:q} --source={params.source:q} --failures={config[failures]:q}"
        " --annotated={output.annotated:q} --annotations={output.annotations:q}"
        " --bodies={output.bodies:q} --summary={output.summary:q} > {log:q} 2>&1"


rule manifest:
    """Its people and given bodies without labels."""
    input:
        script=script("manifest"),
        annotated=f"{DATA}/annotated.parquet",
        supplied=f"{DATA}/given-bodies.parquet",
    output:
        manifest=f"{DATA}/manifest.parquet",
        bodies=f"{DATA}/annotated-bodies.parquet",
    log:
        "logs/{dataset}/manifest.log",
    benchmark:
        "results/benchmarks/manifest/{dataset}.tsv"
    wildcard_constraints:
        dataset=names_of(*DATASET_KINDS),
    localrule: True
    shell:
        "python {input.script:q} --annotated={input.annotated:q} --supplied={input.supplied:q}"
        " --manifest={output.manifest:q} --bodies={output.bodies:q} > {log:q} 2>&1"


rule own_manifest:
    """The same of a user's table, which is no input, so that corrected labels plan nothing here; a parameter tells of people."""
    input:
        script=script("own_manifest"),
        frames=film_frames,
    output:
        manifest=f"{DATA}/manifest.parquet",
        bodies=f"{DATA}/annotated-bodies.parquet",
    log:
        "logs/{dataset}/manifest.log",
    benchmark:
        "results/benchmarks/manifest/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(OWN_TABLES),
    params:
        people=own_people,
        source=own_source,
    shell:
        "python {input.script:q} --source={params.source:q} --failures={config[failures]:q}"
        " --manifest={output.manifest:q} --bodies={output.bodies:q} > {log:q} 2>&1"


rule samples:
    input:
        script=script("samples"),
        manifest=f"{DATA}/manifest.parquet",
    output:
        f"{DATA}/samples-{{size}}.h5",
    log:
        "logs/{dataset}/samples-{size}.log",
    benchmark:
        "results/benchmarks/samples/{dataset}-{size}.tsv"
    params:
        images=images_of,
        look=padding_options,
    shell:
        "python {input.script:q} --manifest={input.manifest:q} --images={params.images:q}"
        " {params.look:q} --size={wildcards.size:q} --failures={config[failures]:q} --out={output:q}"
        " > {log:q} 2>&1"


rule drawn_depth:
    """Depth of drawn pictures, as 16-bit PNG."""
    input:
        script=script("drawn_depth"),
        manifest=f"{DATA}/manifest.parquet",
        images=f"{DATA}/images",
    output:
        directory(f"{DATA}/depth"),
    log:
        "logs/{dataset}/depth.log",
    benchmark:
        "results/benchmarks/depth/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(filter(draws_depth, config["datasets"])),
    params:
        settings=drawn_depth_settings,
    shell:
        "python {input.script:q} --settings={params.settings:q} --manifest={input.manifest:q}"
        " --images={input.images:q} --workers={threads:q} --out={output:q} > {log:q} 2>&1"


rule estimate_depth:
    """Depth of all others, once an image."""
    input:
        script=script("estimate_depth"),
        manifest=f"{DATA}/manifest.parquet",
        weights=files_in(config["depth"]["weights"], *DEPTH_FILES),
    output:
        directory(f"{DATA}/depth"),
    log:
        "logs/{dataset}/depth.log",
    benchmark:
        "results/benchmarks/depth/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(name for name in config["datasets"] if not draws_depth(name)),
    params:
        options=looking_options,
    shell:
        "python {input.script:q} --manifest={input.manifest:q} {params.options:q} --out={output:q}"
        " > {log:q} 2>&1"


use rule samples as deep_samples with:
    input:
        script=script("samples"),
        manifest=f"{DATA}/manifest.parquet",
        depth=depth_of,
    output:
        f"{DATA}/{{deep}}-samples-{{size}}.h5",
    log:
        "logs/{dataset}/{deep}-samples-{size}.log",
    benchmark:
        "results/benchmarks/samples/{dataset}-{deep}-{size}.tsv"
    wildcard_constraints:
        deep="deep|shuffled",
    params:
        images=images_of,
        look=deep_options,
        maps=depth_mark,


rule detect:
    """Bodies of a shard: a run of images in whole batches."""
    input:
        script=script("detect"),
        weights=detector_files("detect"),
        manifest=f"{DATA}/manifest.parquet",
        annotated=annotated_bodies,
    output:
        f"{DATA}/bodies/{{shard}}-of-{{shards}}.parquet",
    log:
        "logs/{dataset}/detect/{shard}-of-{shards}.log",
    benchmark:
        "results/benchmarks/detect/{dataset}-{shard}-of-{shards}.tsv"
    priority: 20
    params:
        options=looking_options,
        settings=settings_json(preparing.detect_settings(config)),
        annotated=input_options("annotated"),
    shell:
        "python {input.script:q} --manifest={input.manifest:q} {params.options:q} {params.annotated:q}"
        " --settings={params.settings:q} --shard={wildcards.shard:q} --shards={wildcards.shards:q}"
        " --failures={config[failures]:q} --out={output:q} > {log:q} 2>&1"


rule bodies:
    input:
        script=script("merge_bodies"),
        shards=body_shards,
        annotated=annotated_bodies,
    output:
        f"{DATA}/bodies.parquet",
    log:
        "logs/{dataset}/bodies.log",
    benchmark:
        "results/benchmarks/merge/{dataset}-bodies.tsv"
    localrule: True
    params:
        annotated=input_options("annotated"),
    shell:
        "python {input.script:q} --shards {input.shards:q} {params.annotated:q} --out={output:q}"
        " > {log:q} 2>&1"
