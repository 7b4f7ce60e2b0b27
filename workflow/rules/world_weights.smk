"""The weights that the demo world ships, made again: ``make world-weights``."""

ASSETS = "results/world-weights"


rule world_weights:
    input:
        f"{ASSETS}/vqa/card.json",
        f"{ASSETS}/detector/card.json",
        f"{ASSETS}/heads/card.json",
        f"{ASSETS}/backbone/card.json",
        f"{ASSETS}/frozen/card.json",
    localrule: True


rule world_vqa:
    """An OFA that learns the world from pictures, questions and text answers alone."""
    input:
        script=script("world_vqa"),
        code=code("world_vqa"),
    output:
        multiext(
            f"{ASSETS}/vqa/",
            "model.safetensors",
            "config.json",
            "vocab.json",
            "merges.txt",
            "card.json",
        ),
    log:
        "logs/world-weights/vqa.log",
    benchmark:
        "results/benchmarks/world-weights/vqa.tsv"
    resources:
        gpu=GPU,
    params:
        settings=told(preparing.world_weights(config, "vqa")),
        seed=config["world_weights"]["seed"],
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --settings {params.settings:q} --seed {params.seed}"
        " --workers {threads} --device {params.device} --out {params.out} > {log} 2>&1"


rule world_detector:
    """A Mask R-CNN that finds the world's people, and one that finds their heads."""
    input:
        script=script("world_detector"),
        code=code("world_detector"),
    output:
        multiext(f"{ASSETS}/{{detector}}/", "model.safetensors", "config.json", "card.json"),
    log:
        "logs/world-weights/{detector}.log",
    benchmark:
        "results/benchmarks/world-weights/{detector}.tsv"
    wildcard_constraints:
        detector="detector|heads",
    resources:
        gpu=GPU,
    params:
        finds=lambda wildcards: "heads" if wildcards.detector == "heads" else "people",
        settings=lambda wildcards: told(preparing.world_weights(config, wildcards.detector)),
        seed=config["world_weights"]["seed"],
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --finds {params.finds} --settings {params.settings:q}"
        " --seed {params.seed} --device {params.device} --out {params.out} > {log} 2>&1"


rule world_backbone:
    """Towers pretrained on nouns and head directions, as VAT's own initial weights are pretrained."""
    input:
        script=script("world_backbone"),
        code=code("world_backbone"),
    output:
        multiext(f"{ASSETS}/backbone/", "model.safetensors", "card.json"),
    log:
        "logs/world-weights/backbone.log",
    benchmark:
        "results/benchmarks/world-weights/backbone.tsv"
    resources:
        gpu=GPU,
    params:
        settings=told(preparing.world_weights(config, "backbone")),
        seed=config["world_weights"]["seed"],
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --settings {params.settings:q} --seed {params.seed}"
        " --workers {threads} --device {params.device} --out {params.out} > {log} 2>&1"


use rule world_backbone as world_frozen with:
    input:
        script=script("world_frozen"),
        code=code("world_frozen"),
    output:
        multiext(f"{ASSETS}/frozen/", "model.safetensors", "card.json"),
    log:
        "logs/world-weights/frozen.log",
    benchmark:
        "results/benchmarks/world-weights/frozen.tsv"
    params:
        settings=told(preparing.world_weights(config, "frozen")),
        seed=config["world_weights"]["seed"],
        device=config["device"],
        out=subpath(output[0], parent=True),
