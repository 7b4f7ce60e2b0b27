"""What a frozen backbone makes of every image, kept for all trainings of the decoders that stand on it."""


rule tokens:
    input:
        script=script("tokens"),
        manifest=f"{DATA}/manifest.parquet",
        backbone=lambda wildcards: backbone_of(wildcards.gaze),
    output:
        f"{DATA}/tokens-{{gaze}}.h5",
    log:
        "logs/{dataset}/tokens-{gaze}.log",
    benchmark:
        "results/benchmarks/tokens/{dataset}-{gaze}.tsv"
    wildcard_constraints:
        gaze=one_of(name for name in config["gaze"]["models"] if sees_tokens(config, name)),
    params:
        images=lambda wildcards: image_root(wildcards.dataset),
        settings=lambda wildcards: settings_json(learning.gaze_model(config, wildcards.gaze)),
        device=config["device"],
    shell:
        "python {input.script:q} --manifest={input.manifest:q} --images={params.images:q}"
        " --settings={params.settings:q} --failures={config[failures]:q} --device={params.device:q}"
        " --out={output:q} > {log:q} 2>&1"
