"""What people read."""

REPORTED = config["report"]["studies"]
SHOWN = REPORTED[0] if REPORTED else None


rule tables:
    """Table 1 and the timestep sweep, as CSV, Markdown and text."""
    input:
        script=script("tables"),
        metrics=[path for study in REPORTED for path in metrics_of(study)],
        sweeps=sweeps_of_report(),
        choices=[path for study in REPORTED for path in choices_of(study)],
        typical=typical_file(config),
    output:
        expand(f"{REPORT}/tables/{{name}}", name=TABLES),
    log:
        f"logs/{config['report']['name']}/tables.log",
    benchmark:
        f"results/benchmarks/tables/{config['report']['name']}.tsv"
    localrule: True
    params:
        methods=reported_variants(),
        reference=str(gcdr(SHOWN)),
        options=table_options,
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script:q} --metrics {input.metrics:q} --sweeps {input.sweeps:q} {input.choices:q}"
        " --methods {params.methods:q} --reference={params.reference:q} --out={params.out:q}"
        " {params.options:q} > {log:q} 2>&1"


rule page:
    """The report: one page that needs nothing else."""
    input:
        script=script("report"),
        tables=rules.tables.output,
        metrics=rules.tables.input.metrics,
        sweeps=[sweep_of(study) for study in REPORTED],
        choices=rules.tables.input.choices,
        typical=rules.tables.input.typical,
        curves=curves_of_studies() if config["report"]["advice"] else [],
        shown=shown_inputs(SHOWN),
    output:
        page=report(f"{REPORT}/report.html", caption="../report/page.rst", category="Report"),
        overview=f"{REPORT}/figures/overview.png",
    log:
        f"logs/{config['report']['name']}/report.log",
    benchmark:
        f"results/benchmarks/report/{config['report']['name']}.tsv"
    params:
        settings=lambda wildcards: report_settings(SHOWN),
    shell:
        "python {input.script:q} --metrics {input.metrics:q} --sweeps {input.sweeps:q} {input.choices:q}"
        " --settings={params.settings:q} --benchmarks=results/benchmarks --logs=logs"
        " --out={output.page:q} > {log:q} 2>&1"
