"""What a frozen backbone makes of every image, kept for all trainings of the decoders that stand on it."""

from gcdr.config.asked import sees_tokens


def frozen_entry(gaze):
    """The first entry of gaze.models with the same frozen backbone at the same size, or None.

    Also None where an entry's tokens are not kept (gaze.models.<name>.tokens).
    """
    if not sees_tokens(config, gaze):
        return None
    models, entry = config["gaze"]["models"], config["gaze"]["models"][gaze]
    same = ("kind", "size", "backbone")
    return next(
        name
        for name, other in models.items()
        if all(other.get(key) == entry.get(key) for key in same)
    )


def people_shown(wildcards):
    """What a job is shown of people: tokens, if its gaze model does with them, else pictures."""
    entry = frozen_entry(gaze_of(wildcards))
    dataset = config["studies"][wildcards.study]["dataset"]
    if entry is None or config["datasets"][dataset]["kind"] == "pool":
        return SAMPLES(wildcards)
    return in_data(dataset, f"tokens-{entry}.h5")


rule tokens:
    input:
        script=script("tokens"),
        code=lambda wildcards: code("tokens") + kind_code(wildcards.gaze),
        manifest=f"{DATA}/manifest.parquet",
        backbone=lambda wildcards: backbone_of(wildcards.gaze),
    output:
        f"{DATA}/tokens-{{gaze}}.h5",
    log:
        "logs/{dataset}/tokens-{gaze}.log",
    benchmark:
        "results/benchmarks/tokens/{dataset}-{gaze}.tsv"
    resources:
        gpu=GPU,
    params:
        images=lambda wildcards: image_root(wildcards.dataset),
        settings=lambda wildcards: told(learning.gaze_model(config, wildcards.gaze)),
        device=config["device"],
    shell:
        "python {input.script:q} --manifest={input.manifest:q} --images={params.images:q}"
        " --settings={params.settings:q} --failures={config[failures]:q} --device={params.device:q}"
        " --out={output:q} > {log:q} 2>&1"
