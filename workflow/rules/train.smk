"""Teachers on labels, and students on labels and pseudo-labels."""

MODEL_FILES = ["model.safetensors", "model.json", "log.csv"]
SAMPLES = data(f"samples-{config['samples']['size']}.h5")


rule train_vat:
    """A supervised teacher: VAT, or VAT-GC that also sees the Grad-CAM map."""
    input:
        script=script("train_gaze"),
        code=code("train_gaze"),
        samples=SAMPLES,
        labels=f"{STUDY}/labels.parquet",
        init=gaze_init,
        prior=lambda wildcards: prior_of(wildcards) if TEACHERS[wildcards.teacher].gradcam else [],
    output:
        multiext(f"{STUDY}/teachers/{{teacher}}/", *MODEL_FILES),
    log:
        "logs/{study}/labels{share}-seed{seed}/teachers/{teacher}.log",
    benchmark:
        "results/benchmarks/teachers/{study}-labels{share}-seed{seed}-{teacher}.tsv"
    wildcard_constraints:
        teacher=teachers(family="gaze", mean_teacher=False),
    resources:
        gpu=GPU,
    params:
        settings=lambda wildcards: shared(wildcards, gaze_settings(wildcards)),
        prior=lambda wildcards, input: f"--prior {input.prior}" if input.prior else "",
        init=lambda wildcards, input: option("init", input.init),
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --samples {input.samples} --labels {input.labels}"
        " --settings {params.settings:q} {params.init} {params.prior} --seed {wildcards.seed}"
        " --device {params.device} --out {params.out} > {log} 2>&1"


rule train_diffusion:
    """The diffusion teacher, on labels alone."""
    input:
        script=script("train_diffusion"),
        code=code("train_diffusion"),
        samples=SAMPLES,
        labels=f"{STUDY}/labels.parquet",
        init=diffusion_init,
    output:
        multiext(f"{STUDY}/teachers/{{teacher}}/", *MODEL_FILES),
    log:
        "logs/{study}/labels{share}-seed{seed}/teachers/{teacher}.log",
    benchmark:
        "results/benchmarks/teachers/{study}-labels{share}-seed{seed}-{teacher}.tsv"
    wildcard_constraints:
        teacher=teachers(family="diffusion", mean_teacher=False),
    resources:
        gpu=GPU,
    params:
        settings=lambda wildcards: shared(wildcards, diffusion_settings()),
        init=lambda wildcards, input: option("init", input.init),
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --samples {input.samples} --labels {input.labels}"
        " --settings {params.settings:q} {params.init} --seed {wildcards.seed}"
        " --device {params.device} --out {params.out} > {log} 2>&1"


rule train_mean_teacher:
    """VAT or the diffusion teacher, on labels and on everybody's pictures."""
    input:
        script=script("train_mean_teacher"),
        code=code("train_mean_teacher"),
        samples=SAMPLES,
        labels=f"{STUDY}/labels.parquet",
        init=mean_teacher_init,
    output:
        multiext(f"{STUDY}/teachers/{{teacher}}/", *MODEL_FILES),
    log:
        "logs/{study}/labels{share}-seed{seed}/teachers/{teacher}.log",
    benchmark:
        "results/benchmarks/teachers/{study}-labels{share}-seed{seed}-{teacher}.tsv"
    wildcard_constraints:
        teacher=teachers(mean_teacher=True),
    resources:
        gpu=GPU,
    params:
        settings=lambda wildcards: shared(wildcards, mean_teacher_settings(wildcards)),
        family=lambda wildcards: TEACHERS[wildcards.teacher].family,
        init=lambda wildcards, input: option("init", input.init),
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --samples {input.samples} --labels {input.labels}"
        " --family {params.family} --settings {params.settings:q} {params.init}"
        " --seed {wildcards.seed}"
        " --device {params.device} --out {params.out} > {log} 2>&1"


rule train_mapping:
    """A network that turns Grad-CAM maps into labels at once."""
    input:
        script=script("train_mapping"),
        code=code("train_mapping"),
        samples=SAMPLES,
        labels=f"{STUDY}/labels.parquet",
        prior=prior_of,
        init=mapping_init,
    output:
        multiext(f"{STUDY}/teachers/{{teacher}}/", *MODEL_FILES),
    log:
        "logs/{study}/labels{share}-seed{seed}/teachers/{teacher}.log",
    benchmark:
        "results/benchmarks/teachers/{study}-labels{share}-seed{seed}-{teacher}.tsv"
    wildcard_constraints:
        teacher=teachers(family="mapping"),
    resources:
        gpu=GPU,
    params:
        settings=lambda wildcards: shared(wildcards, mapping_settings(wildcards)),
        init=lambda wildcards, input: option("init", input.init),
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --samples {input.samples} --labels {input.labels}"
        " --prior {input.prior} --settings {params.settings:q} {params.init} --seed {wildcards.seed}"
        " --device {params.device} --out {params.out} > {log} 2>&1"


rule train_student:
    """A student on labels and stored pseudo-labels."""
    input:
        script=script("train_gaze"),
        code=code("train_gaze"),
        samples=SAMPLES,
        labels=f"{STUDY}/labels.parquet",
        pseudo=f"{STUDY}/pseudo/{{recipe}}.h5",
        init=gaze_init,
    output:
        multiext(f"{STUDY}/students/{{recipe}}/", *MODEL_FILES),
    log:
        "logs/{study}/labels{share}-seed{seed}/students/{recipe}.log",
    benchmark:
        "results/benchmarks/students/{study}-labels{share}-seed{seed}-{recipe}.tsv"
    wildcard_constraints:
        recipe=rf"{PATTERN}(?<!online)",
    resources:
        gpu=GPU,
    params:
        settings=lambda wildcards: shared(wildcards, gaze_settings(wildcards)),
        init=lambda wildcards, input: option("init", input.init),
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --samples {input.samples} --labels {input.labels}"
        " --pseudo {input.pseudo} --settings {params.settings:q} {params.init}"
        " --seed {wildcards.seed}"
        " --device {params.device} --out {params.out} > {log} 2>&1"


rule train_online_student:
    """A student whose Grad-CAM maps are refined anew in every batch."""
    input:
        script=script("train_online_student"),
        code=code("train_online_student"),
        samples=SAMPLES,
        labels=f"{STUDY}/labels.parquet",
        pseudo=lambda wildcards: expand(
            f"{STUDY}/pseudo/{pseudo_recipe(parse_recipe(wildcards.recipe))}.h5", **wildcards
        ),
        teacher=label_teacher,
        init=gaze_init,
    output:
        multiext(f"{STUDY}/students/{{recipe}}/", *MODEL_FILES),
    log:
        "logs/{study}/labels{share}-seed{seed}/students/{recipe}.log",
    benchmark:
        "results/benchmarks/students/{study}-labels{share}-seed{seed}-{recipe}.tsv"
    wildcard_constraints:
        recipe=rf"{PATTERN}(?<=online)",
    resources:
        gpu=GPU,
    params:
        settings=lambda wildcards: shared(
            wildcards, gaze_settings(wildcards) | {"refine": label_settings(wildcards)}
        ),
        teacher=lambda wildcards, input: folder_of(input.teacher),
        init=lambda wildcards, input: option("init", input.init),
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --samples {input.samples} --labels {input.labels}"
        " --pseudo {input.pseudo} --teacher {params.teacher} --settings {params.settings:q}"
        " {params.init} --seed {wildcards.seed}"
        " --device {params.device} --out {params.out} > {log} 2>&1"
