"""Every model and every kind of map against the annotators of the test people."""


rule evaluate:
    """Score a teacher or a student; recipes of teachers are named as the teacher is."""
    input:
        script=script("evaluate"),
        code=gaze_code("evaluate"),
        model=model_of,
        samples=people_shown,
        manifest=data("manifest.parquet"),
        annotations=data("annotations.parquet"),
        prior=model_prior,
    output:
        metrics=f"{STUDY}/metrics/{{recipe}}.json",
        people=f"{STUDY}/metrics/{{recipe}}.parquet",
        maps=f"{STUDY}/metrics/{{recipe}}.h5",
    log:
        "logs/{study}/labels{share}-seed{seed}/metrics/{recipe}.log",
    benchmark:
        "results/benchmarks/evaluate/{study}-labels{share}-seed{seed}-{recipe}.tsv"
    resources:
        gpu=GPU,
    params:
        model=lambda wildcards, input: folder_of(input.model),
        prior=lambda wildcards, input: f"--prior {input.prior}" if input.prior else "",
        settings=lambda wildcards: map_settings(parse_recipe(wildcards.recipe).prior),
        about=about_model,
        device=config["device"],
    shell:
        "python {input.script} --model {params.model} --samples {input.samples}"
        " --manifest {input.manifest} --annotations {input.annotations} {params.prior}"
        " --settings {params.settings:q} --about {params.about:q} --device {params.device}"
        " --out {output.metrics} > {log} 2>&1"


rule evaluate_labels:
    """Score maps of test people themselves: refined ones ("Diffusion-GC"), or sampled from noise."""
    input:
        script=script("evaluate_labels"),
        code=code("evaluate_labels"),
        store=f"{STUDY}/test/{{recipe}}.h5",
        samples=SAMPLES,
        manifest=data("manifest.parquet"),
        annotations=data("annotations.parquet"),
    output:
        metrics=f"{STUDY}/metrics/{{maps}}-{{recipe}}.json",
        people=f"{STUDY}/metrics/{{maps}}-{{recipe}}.parquet",
    log:
        "logs/{study}/labels{share}-seed{seed}/metrics/{maps}-{recipe}.log",
    benchmark:
        "results/benchmarks/evaluate/{study}-labels{share}-seed{seed}-{maps}-{recipe}.tsv"
    wildcard_constraints:
        maps="diffusion|diffusion-gc",
    params:
        about=about_maps,
    shell:
        "python {input.script} --store {input.store} --samples {input.samples}"
        " --manifest {input.manifest} --annotations {input.annotations} --about {params.about:q}"
        " --out {output.metrics} > {log} 2>&1"


rule evaluate_prior:
    """Score the raw maps of a prior."""
    input:
        script=script("evaluate_prior"),
        code=code("evaluate_prior"),
        prior=raw_prior,
        samples=SAMPLES,
        manifest=data("manifest.parquet"),
        annotations=data("annotations.parquet"),
    output:
        metrics=f"{STUDY}/metrics/gradcam+{{prior}}.json",
        people=f"{STUDY}/metrics/gradcam+{{prior}}.parquet",
    log:
        "logs/{study}/labels{share}-seed{seed}/metrics/gradcam+{prior}.log",
    benchmark:
        "results/benchmarks/evaluate/{study}-labels{share}-seed{seed}-gradcam+{prior}.tsv"
    params:
        settings=lambda wildcards: map_settings(wildcards.prior),
        about=about_prior,
    shell:
        "python {input.script} --prior {input.prior} --samples {input.samples}"
        " --manifest {input.manifest} --annotations {input.annotations} --settings {params.settings:q}"
        " --about {params.about:q} --out {output.metrics} > {log} 2>&1"


rule evaluate_baselines:
    """The rulers beside every table: the image's centre, a random point, one annotator."""
    input:
        script=script("evaluate_baselines"),
        code=code("evaluate_baselines"),
        samples=SAMPLES,
        manifest=data("manifest.parquet"),
        annotations=data("annotations.parquet"),
    output:
        expand(
            f"{STUDY}/metrics/{{name}}.{{ending}}",
            name=["centre", "human", "random"],
            ending=["json", "parquet"],
            allow_missing=True,
        ),
    log:
        "logs/{study}/labels{share}-seed{seed}/metrics/baselines.log",
    benchmark:
        "results/benchmarks/evaluate/{study}-labels{share}-seed{seed}-baselines.tsv"
    params:
        about=lambda wildcards: about(wildcards, "baselines", "baselines", "baseline"),
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --samples {input.samples} --manifest {input.manifest}"
        " --annotations {input.annotations} --about {params.about:q} --out {params.out} > {log} 2>&1"


rule sweep:
    """Refined maps at many timesteps, on validation people (to choose one) and on test people."""
    input:
        script=script("sweep"),
        code=code("sweep"),
        teacher=sweep_teacher,
        samples=SAMPLES,
        manifest=data("manifest.parquet"),
        annotations=data("annotations.parquet"),
        labels=f"{STUDY}/labels.parquet",
        prior=raw_prior,
    output:
        f"{STUDY}/sweep+{{prior}}.json",
    log:
        "logs/{study}/labels{share}-seed{seed}/sweep+{prior}.log",
    benchmark:
        "results/benchmarks/sweep/{study}-labels{share}-seed{seed}-{prior}.tsv"
    resources:
        gpu=GPU,
    params:
        teacher=lambda wildcards, input: folder_of(input.teacher),
        settings=sweep_settings,
        about=about_sweep,
        device=config["device"],
    shell:
        "python {input.script} --teacher {params.teacher} --samples {input.samples}"
        " --manifest {input.manifest} --annotations {input.annotations} --labels {input.labels}"
        " --prior {input.prior} --settings {params.settings:q} --about {params.about:q}"
        " --seed {wildcards.seed} --device {params.device} --out {output} > {log} 2>&1"
