"""Teachers on labels, and students on labels and pseudo-labels."""

MODEL_FILES = ["model.safetensors", "model.json", "log.csv"]


rule train_vat:
    """A supervised teacher: VAT, or VAT-GC that also sees the Grad-CAM map."""
    input:
        script=script("train_gaze"),
        code=code("train_gaze"),
        samples=data(f"samples-{config['samples']['size']}.h5"),
        labels=f"{STUDY}/labels.parquet",
        init=gaze_init(),
        prior=lambda wildcards: prior_of(wildcards) if wildcards.teacher == "vat-gc" else [],
    output:
        multiext(f"{STUDY}/teachers/{{teacher}}/", *MODEL_FILES),
    log:
        "logs/{study}/labels{share}-seed{seed}/teachers/{teacher}.log",
    benchmark:
        "results/benchmarks/teachers/{study}-labels{share}-seed{seed}-{teacher}.tsv"
    wildcard_constraints:
        teacher="vat|vat-gc",
    resources:
        gpu=GPU,
    params:
        settings=gaze_settings(),
        prior=lambda wildcards, input: f"--prior {input.prior}" if input.prior else "",
        init=f"--init {config['gaze']['init']}" if config["gaze"]["init"] else "",
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --samples {input.samples} --labels {input.labels}"
        " --settings {params.settings:q} {params.init} {params.prior} --seed {wildcards.seed}"
        " --device {params.device} --out {params.out} > {log} 2>&1"


rule train_diffusion:
    input:
        script=script("train_diffusion"),
        code=code("train_diffusion"),
        samples=data(f"samples-{config['samples']['size']}.h5"),
        labels=f"{STUDY}/labels.parquet",
        init=diffusion_init(),
    output:
        multiext(f"{STUDY}/teachers/diffusion/", *MODEL_FILES),
    log:
        "logs/{study}/labels{share}-seed{seed}/teachers/diffusion.log",
    benchmark:
        "results/benchmarks/teachers/{study}-labels{share}-seed{seed}-diffusion.tsv"
    resources:
        gpu=GPU,
    params:
        settings=diffusion_settings(),
        init=lambda wildcards, input: f"--init {folder_of(input.init)}" if input.init else "",
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --samples {input.samples} --labels {input.labels}"
        " --settings {params.settings:q} {params.init} --seed {wildcards.seed}"
        " --device {params.device} --out {params.out} > {log} 2>&1"


rule train_student:
    input:
        script=script("train_gaze"),
        code=code("train_gaze"),
        samples=data(f"samples-{config['samples']['size']}.h5"),
        labels=f"{STUDY}/labels.parquet",
        pseudo=f"{STUDY}/pseudo/{{recipe}}.h5",
        init=gaze_init(),
    output:
        multiext(f"{STUDY}/students/{{recipe}}/", *MODEL_FILES),
    log:
        "logs/{study}/labels{share}-seed{seed}/students/{recipe}.log",
    benchmark:
        "results/benchmarks/students/{study}-labels{share}-seed{seed}-{recipe}.tsv"
    resources:
        gpu=GPU,
    params:
        settings=gaze_settings(),
        init=f"--init {config['gaze']['init']}" if config["gaze"]["init"] else "",
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --samples {input.samples} --labels {input.labels}"
        " --pseudo {input.pseudo} --settings {params.settings:q} {params.init}"
        " --seed {wildcards.seed} --device {params.device} --out {params.out} > {log} 2>&1"
