"""What people read."""

REPORTED = config["report"]["studies"]
SHOWN = REPORTED[0] if REPORTED else None


rule tables:
    """Table 1 and the timestep sweep, as CSV, Markdown and text."""
    input:
        script=script("tables"),
        code=code("tables"),
        metrics=[path for study in REPORTED for path in metrics_of(study)],
        sweeps=[sweep_of(study) for study in REPORTED],
    output:
        expand(f"{REPORT}/tables/{{name}}", name=TABLES),
    log:
        f"logs/{config['report']['name']}/tables.log",
    benchmark:
        f"results/benchmarks/tables/{config['report']['name']}.tsv"
    localrule: True
    params:
        methods=reported_recipes(),
        reference=str(gcdr(SHOWN)),
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --metrics {input.metrics} --sweeps {input.sweeps}"
        " --methods {params.methods} --reference {params.reference} --out {params.out} > {log} 2>&1"


rule page:
    """The report: one page that needs nothing else."""
    input:
        script=script("report"),
        code=code("report"),
        tables=rules.tables.output,
        metrics=rules.tables.input.metrics,
        sweeps=rules.tables.input.sweeps,
        shown=shown_inputs(SHOWN),
    output:
        page=report(f"{REPORT}/report.html", caption="../report/page.rst", category="Report"),
        overview=f"{REPORT}/figures/overview.png",
    log:
        f"logs/{config['report']['name']}/report.log",
    benchmark:
        f"results/benchmarks/report/{config['report']['name']}.tsv"
    localrule: True
    params:
        files=shown_files(SHOWN),
        methods=rules.tables.params.methods,
        recipe=str(gcdr(SHOWN)),
        layer=layer_of(prior_store(prior_of_study(SHOWN))),
        settings=as_json(config),
    shell:
        "python {input.script} --files {params.files:q} --metrics {input.metrics}"
        " --sweeps {input.sweeps} --methods {params.methods} --recipe {params.recipe}"
        " --layer {params.layer} --settings {params.settings:q} --benchmarks results/benchmarks --logs logs"
        " --out {output.page} > {log} 2>&1"
