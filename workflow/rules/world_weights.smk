"""The weights that the demo world ships, made again: ``make world-weights``."""

ASSETS = "results/world-weights"


rule world_weights:
    """The weights that come with the repository, trained again."""
    input:
        expand(
            f"{ASSETS}/{{name}}/card.json", name=["vqa", "detector", "heads", "backbone", "frozen"]
        ),
    localrule: True


rule world_vqa:
    """An OFA that learns the world from pictures, questions and text answers alone."""
    input:
        script=script("world_vqa"),
    output:
        multiext(f"{ASSETS}/vqa/", *VQA_MODEL),
    log:
        "logs/world-weights/vqa.log",
    benchmark:
        "results/benchmarks/world-weights/vqa.tsv"
    params:
        settings=settings_json(preparing.world_weights(config, "vqa")),
        seed=config["world_weights"]["seed"],
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script:q} --settings={params.settings:q} --seed={params.seed:q}"
        " --workers={threads:q} --device={params.device:q} --out={params.out:q} > {log:q} 2>&1"


rule world_detector:
    """A Mask R-CNN that finds the world's people, and one that finds their heads."""
    input:
        script=script("world_detector"),
    output:
        multiext(f"{ASSETS}/{{detector,detector|heads}}/", WEIGHTS, "config.json", "card.json"),
    log:
        "logs/world-weights/{detector}.log",
    benchmark:
        "results/benchmarks/world-weights/{detector}.tsv"
    params:
        finds=lambda wildcards: "heads" if wildcards.detector == "heads" else "people",
        settings=lambda wildcards: settings_json(
            preparing.world_weights(config, wildcards.detector)
        ),
        seed=config["world_weights"]["seed"],
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script:q} --finds={params.finds:q} --settings={params.settings:q}"
        " --seed={params.seed:q} --device={params.device:q} --out={params.out:q} > {log:q} 2>&1"


rule world_backbone:
    """Towers pretrained on nouns and head directions, as VAT's own initial weights are pretrained."""
    input:
        script=script("world_backbone"),
    output:
        multiext(f"{ASSETS}/backbone/", WEIGHTS, "card.json"),
    log:
        "logs/world-weights/backbone.log",
    benchmark:
        "results/benchmarks/world-weights/backbone.tsv"
    params:
        settings=settings_json(preparing.world_weights(config, "backbone")),
        seed=config["world_weights"]["seed"],
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script:q} --settings={params.settings:q} --seed={params.seed:q}"
        " --workers={threads:q} --device={params.device:q} --out={params.out:q} > {log:q} 2>&1"


use rule world_backbone as world_frozen with:
    input:
        script=script("world_frozen"),
    output:
        multiext(f"{ASSETS}/frozen/", WEIGHTS, "card.json"),
    log:
        "logs/world-weights/frozen.log",
    benchmark:
        "results/benchmarks/world-weights/frozen.tsv"
    params:
        settings=settings_json(preparing.world_weights(config, "frozen")),
        seed=config["world_weights"]["seed"],
        device=config["device"],
        out=subpath(output[0], parent=True),
