"""Heatmaps for people without a label: refined by diffusion, or made by what it is compared with.

``which`` is ``pseudo`` for the unlabelled training people and ``test`` for judging the maps themselves.
"""


rule refine:
    """Noise each Grad-CAM map to the timestep and denoise it."""
    input:
        script=script("refine"),
        code=code("refine"),
        manifest=data("manifest.parquet"),
        labels=f"{STUDY}/labels.parquet",
        samples=data(f"samples-{config['samples']['size']}.h5"),
        prior=prior_of,
        teacher=multiext(f"{STUDY}/teachers/diffusion/", "model.safetensors", "model.json"),
    output:
        f"{STUDY}/{{which}}/gcdr-t{{timestep}}-n{{steps}}-k{{draws}}.h5",
    log:
        "logs/{study}/labels{share}-seed{seed}/{which}/gcdr-t{timestep}-n{steps}-k{draws}.log",
    benchmark:
        "results/benchmarks/refine/{study}-labels{share}-seed{seed}-{which}-t{timestep}-n{steps}-k{draws}.tsv"
    wildcard_constraints:
        which="pseudo|test",
    resources:
        gpu=GPU,
    params:
        settings=refine_settings,
        people=lambda wildcards: PEOPLE[wildcards.which],
        teacher=lambda wildcards, input: folder_of(input.teacher),
        device=config["device"],
    shell:
        "python {input.script} --method gcdr --manifest {input.manifest} --labels {input.labels}"
        " --which {params.people} --samples {input.samples} --prior {input.prior}"
        " --teacher {params.teacher} --settings {params.settings:q} --seed {wildcards.seed}"
        " --device {params.device} --out {output} > {log} 2>&1"


rule sample_labels:
    """Labels from pure noise: the paper's "No Grad-CAM"."""
    input:
        script=script("refine"),
        code=code("refine"),
        manifest=data("manifest.parquet"),
        labels=f"{STUDY}/labels.parquet",
        samples=data(f"samples-{config['samples']['size']}.h5"),
        teacher=multiext(f"{STUDY}/teachers/diffusion/", "model.safetensors", "model.json"),
    output:
        f"{STUDY}/pseudo/no-gradcam-n{{steps}}-k{{draws}}.h5",
    log:
        "logs/{study}/labels{share}-seed{seed}/pseudo/no-gradcam-n{steps}-k{draws}.log",
    benchmark:
        "results/benchmarks/refine/{study}-labels{share}-seed{seed}-no-gradcam-n{steps}-k{draws}.tsv"
    resources:
        gpu=GPU,
    params:
        settings=refine_settings,
        teacher=lambda wildcards, input: folder_of(input.teacher),
        device=config["device"],
    shell:
        "python {input.script} --method no-gradcam --manifest {input.manifest}"
        " --labels {input.labels} --which unlabelled --samples {input.samples}"
        " --teacher {params.teacher} --settings {params.settings:q} --seed {wildcards.seed}"
        " --device {params.device} --out {output} > {log} 2>&1"


rule predict_labels:
    """Labels predicted by a supervised teacher: Semi-VAT and Semi-VAT-GC."""
    input:
        script=script("refine"),
        code=code("refine"),
        manifest=data("manifest.parquet"),
        labels=f"{STUDY}/labels.parquet",
        samples=data(f"samples-{config['samples']['size']}.h5"),
        teacher=multiext(f"{STUDY}/teachers/{{teacher}}/", "model.safetensors", "model.json"),
        prior=lambda wildcards: prior_of(wildcards) if wildcards.teacher == "vat-gc" else [],
    output:
        f"{STUDY}/pseudo/semi-{{teacher}}.h5",
    log:
        "logs/{study}/labels{share}-seed{seed}/pseudo/semi-{teacher}.log",
    benchmark:
        "results/benchmarks/refine/{study}-labels{share}-seed{seed}-semi-{teacher}.tsv"
    wildcard_constraints:
        teacher="vat|vat-gc",
    resources:
        gpu=GPU,
    params:
        settings=map_settings(),
        prior=lambda wildcards, input: f"--prior {input.prior}" if input.prior else "",
        teacher=lambda wildcards, input: folder_of(input.teacher),
        device=config["device"],
    shell:
        "python {input.script} --method semi-{wildcards.teacher} --manifest {input.manifest}"
        " --labels {input.labels} --which unlabelled --samples {input.samples} {params.prior}"
        " --teacher {params.teacher} --settings {params.settings:q} --seed {wildcards.seed}"
        " --device {params.device} --out {output} > {log} 2>&1"


rule plain_labels:
    """Labels straight from the Grad-CAM map: as it is ("raw"), or a Gaussian at its peak ("argmax")."""
    input:
        script=script("refine"),
        code=code("refine"),
        manifest=data("manifest.parquet"),
        labels=f"{STUDY}/labels.parquet",
        samples=data(f"samples-{config['samples']['size']}.h5"),
        prior=prior_of,
    output:
        f"{STUDY}/pseudo/{{method}}.h5",
    log:
        "logs/{study}/labels{share}-seed{seed}/pseudo/{method}.log",
    benchmark:
        "results/benchmarks/refine/{study}-labels{share}-seed{seed}-{method}.tsv"
    wildcard_constraints:
        method="raw|argmax",
    params:
        settings=map_settings(),
        device=config["device"],
    shell:
        "python {input.script} --method {wildcards.method} --manifest {input.manifest}"
        " --labels {input.labels} --which unlabelled --samples {input.samples}"
        " --prior {input.prior} --settings {params.settings:q} --seed {wildcards.seed}"
        " --device {params.device} --out {output} > {log} 2>&1"
