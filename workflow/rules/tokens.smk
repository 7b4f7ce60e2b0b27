"""What a frozen backbone makes of every image, kept for all trainings of the decoders that stand on it."""


rule tokens:
    input:
        script=script("tokens"),
        manifest=f"{DATA}/manifest.parquet",
        backbone=lambda wildcards: backbone_of(on_backbone(wildcards)),
    output:
        f"{DATA}/tokens-{{backbone}}.h5",
    log:
        "logs/{dataset}/tokens-{backbone}.log",
    benchmark:
        "results/benchmarks/tokens/{dataset}-{backbone}.tsv"
    wildcard_constraints:
        backbone=one_of(BACKBONES),
    params:
        images=lambda wildcards: image_root(wildcards.dataset),
        settings=lambda wildcards: settings_json(
            learning.gaze_model(config, on_backbone(wildcards))
        ),
        device=config["device"],
    shell:
        "python {input.script:q} --manifest={input.manifest:q} --images={params.images:q}"
        " --settings={params.settings:q} --failures={config[failures]:q} --device={params.device:q}"
        " --out={output:q} > {log:q} 2>&1"
