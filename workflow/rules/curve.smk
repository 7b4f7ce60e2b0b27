"""How many labels: models of parts of a study's labels, judged on labelled people whom none has learned from."""


rule label_curve:
    """Of GCDR and of supervised training, at each of report.parts and with all of the study's labels."""
    input:
        script=script("label_curve"),
        manifest=data("manifest.parquet"),
        samples=shown_to(asked_gaze),
        labels=LABELS,
        parts=curve_splits,
        models=curve_models,
    output:
        f"{STUDY}/curve/{{variant,gcdr-t.*}}.json",
    log:
        "logs/{study}/labels{share}-seed{seed}/curve/{variant}.log",
    benchmark:
        "results/benchmarks/evaluate/{study}-labels{share}-seed{seed}-curve-{variant}.tsv"
    params:
        parts=curve_parts,
        about=about_curve,
        device=config["device"],
    shell:
        "python {input.script:q} --parts={params.parts:q} --samples={input.samples:q}"
        " --manifest={input.manifest:q} --labels={input.labels:q} --about={params.about:q}"
        " --device={params.device:q} --out={output:q} > {log:q} 2>&1"


rule label_advice:
    """How many labels to add, and whether the prior helps."""
    input:
        script=script("label_advice"),
        curves=curves_of_studies(),
        choices=choices_of_studies(),
    output:
        csv=f"{REPORT}/tables/label_advice.csv",
        page=f"{REPORT}/tables/label_advice.md",
        figure=f"{REPORT}/figures/label_curve.svg",
    log:
        f"logs/{config['report']['name']}/label_advice.log",
    benchmark:
        f"results/benchmarks/tables/{config['report']['name']}-label_advice.tsv"
    localrule: True
    params:
        options=advice_options,
    shell:
        "python {input.script:q} {params.options:q} --csv={output.csv:q}"
        " --page={output.page:q} --figure={output.figure:q} > {log:q} 2>&1"
