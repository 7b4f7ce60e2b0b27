"""Every model and every kind of map against the annotators of the test people."""

TESTED = {
    "samples": SAMPLES,
    "manifest": data("manifest.parquet"),
    "annotations": tested_points,
}


rule evaluate:
    """Score a teacher or a student; variants of teachers are named as the teacher is."""
    input:
        **TESTED | {"samples": shown_to(asked_gaze)},
        script=script("evaluate"),
        model=model_of,
        prior=model_prior,
    output:
        multiext(f"{STUDY}/metrics/{{variant}}", metrics=".json", people=".parquet", maps=".h5"),
    log:
        "logs/{study}/labels{share}-seed{seed}/metrics/{variant}.log",
    benchmark:
        "results/benchmarks/evaluate/{study}-labels{share}-seed{seed}-{variant}.tsv"
    params:
        options=input_options("model", "prior"),
        settings=lambda wildcards: map_settings(parse_variant(wildcards.variant).prior),
        about=about_model,
        device=config["device"],
    shell:
        "python {input.script:q} {params.options:q} --samples={input.samples:q}"
        " --manifest={input.manifest:q} --annotations={input.annotations:q}"
        " --settings={params.settings:q} --about={params.about:q} --device={params.device:q}"
        " --out={output.metrics:q} > {log:q} 2>&1"


rule evaluate_labels:
    """Score maps of test people themselves: refined ones ("Diffusion-GC"), or sampled from noise."""
    input:
        **TESTED,
        script=script("evaluate_labels"),
        store=f"{STUDY}/test/{{variant}}.h5",
    output:
        multiext(f"{STUDY}/metrics/{{maps}}-{{variant}}", metrics=".json", people=".parquet"),
    log:
        "logs/{study}/labels{share}-seed{seed}/metrics/{maps}-{variant}.log",
    benchmark:
        "results/benchmarks/evaluate/{study}-labels{share}-seed{seed}-{maps}-{variant}.tsv"
    wildcard_constraints:
        maps="diffusion|diffusion-gc",
    params:
        about=about_maps,
        store=input_options("store"),
    shell:
        "python {input.script:q} {params.store:q} --samples={input.samples:q}"
        " --manifest={input.manifest:q} --annotations={input.annotations:q}"
        " --about={params.about:q} --out={output.metrics:q} > {log:q} 2>&1"


rule evaluate_prior:
    """Score the raw maps of a prior."""
    input:
        **TESTED,
        script=script("evaluate_prior"),
        prior=raw_prior,
    output:
        multiext(f"{STUDY}/metrics/gradcam+{{prior}}", metrics=".json", people=".parquet"),
    log:
        "logs/{study}/labels{share}-seed{seed}/metrics/gradcam+{prior}.log",
    benchmark:
        "results/benchmarks/evaluate/{study}-labels{share}-seed{seed}-gradcam+{prior}.tsv"
    params:
        settings=lambda wildcards: map_settings(wildcards.prior),
        about=about_prior,
        prior=input_options("prior"),
    shell:
        "python {input.script:q} {params.prior:q} --samples={input.samples:q}"
        " --manifest={input.manifest:q} --annotations={input.annotations:q}"
        " --settings={params.settings:q} --about={params.about:q} --out={output.metrics:q}"
        " > {log:q} 2>&1"


rule evaluate_baselines:
    """The rulers beside every table: the image's centre, a random point, one annotator."""
    input:
        **TESTED,
        script=script("evaluate_baselines"),
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
        about=about_baselines,
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script:q} --samples={input.samples:q} --manifest={input.manifest:q}"
        " --annotations={input.annotations:q} --about={params.about:q} --out={params.out:q}"
        " > {log:q} 2>&1"


rule sweep:
    """Refined maps at many timesteps, on validation people (to choose one) and on test people."""
    input:
        **TESTED,
        script=script("sweep"),
        teacher=sweep_teacher,
        labels=LABELS,
        prior=raw_prior,
    output:
        f"{STUDY}/sweep+{{prior}}.json",
    log:
        "logs/{study}/labels{share}-seed{seed}/sweep+{prior}.log",
    benchmark:
        "results/benchmarks/sweep/{study}-labels{share}-seed{seed}-{prior}.tsv"
    params:
        options=input_options("teacher", "labels", "prior"),
        settings=sweep_settings,
        about=about_sweep,
        device=config["device"],
    shell:
        "python {input.script:q} {params.options:q} --samples={input.samples:q} --seed={wildcards.seed:q}"
        " --manifest={input.manifest:q} --annotations={input.annotations:q} --settings={params.settings:q}"
        " --about={params.about:q} --device={params.device:q} --out={output:q} > {log:q} 2>&1"


rule choose_timestep:
    """Timestep and steps that people whose labels were held out ask for."""
    input:
        script=script("choose_timestep"),
        manifest=data("manifest.parquet"),
        samples=SAMPLES,
        labels=LABELS,
        prior=raw_prior,
        models=fold_models,
    output:
        CHOICE,
    log:
        "logs/{study}/labels{share}-seed{seed}/timestep/{sampler}+{prior}.log",
    benchmark:
        "results/benchmarks/timestep/{study}-labels{share}-seed{seed}-{sampler}+{prior}.tsv"
    priority: 30
    params:
        options=choice_options,
        settings=choice_settings,
        about=about_sweep,
    shell:
        "python {input.script:q} {params.options:q} --settings={params.settings:q}"
        " --about={params.about:q} > {log:q} 2>&1"
