"""The paper's tables as targets; what each holds is in gcdr.report.paper_tables."""

from gcdr.config.deciding import deciding_settings, runs_of, weights_used

SAVINGS = savings_table(config["report"]["shares"])


rule paper_table:
    """A table of the paper as CSV and Markdown, with the paper's numbers beside ours."""
    input:
        script=script("paper_table"),
        metrics=lambda wildcards: table_files(PAPER_TABLES[wildcards.table]),
    output:
        csv=f"{REPORT}/tables/paper/{{table}}.csv",
        page=f"{REPORT}/tables/paper/{{table}}.md",
    log:
        f"logs/{config['report']['name']}/{{table}}.log",
    benchmark:
        f"results/benchmarks/tables/{config['report']['name']}-{{table}}.tsv"
    wildcard_constraints:
        table="|".join(PAPER_TABLES),
    localrule: True
    params:
        cells=lambda wildcards: as_json(table_cells(PAPER_TABLES[wildcards.table])),
    shell:
        "python {input.script:q} --table={wildcards.table:q} --cells={params.cells:q}"
        " --csv={output.csv:q} --page={output.page:q} > {log:q} 2>&1"


rule submission:
    """The paper's main table with intervals, versions, digests and times, for others to set beside theirs."""
    input:
        script=script("table_submission"),
        metrics=lambda wildcards: table_files(PAPER_TABLES[main_table()]),
        manifest=lambda wildcards: in_data(tested_on(first_study(config)), "manifest.parquet"),
    output:
        f"{REPORT}/submission.json",
    log:
        f"logs/{config['report']['name']}/submission.log",
    localrule: True
    params:
        table=lambda wildcards: main_table(),
        cells=lambda wildcards: as_json(table_cells(PAPER_TABLES[main_table()])),
        source=lambda wildcards: as_json(source_of(tested_on(first_study(config)))),
        settings=lambda wildcards: as_json(deciding_settings(config)),
        weights=lambda wildcards: as_json(weights_used(config) | table_lists()),
        runs=lambda wildcards: as_json(runs_of(config)),
    shell:
        "python {input.script:q} --table={params.table:q} --cells={params.cells:q} --manifest={input.manifest:q}"
        " --source={params.source:q} --settings={params.settings:q} --weights={params.weights:q}"
        " --runs={params.runs:q}"
        " --computed-on={config[device]:q} --benchmarks=results/benchmarks --out={output:q} > {log:q} 2>&1"


for table in PAPER_TABLES:

    rule:
        name:
            table
        input:
            expand(f"{REPORT}/tables/paper/{table}.{{ending}}", ending=["csv", "md"]),
        localrule: True


rule table_s1:
    """Table S1: each show of the report, with how many of its people are labelled."""
    input:
        script=script("table_s1"),
        files=lambda wildcards: show_files(),
    output:
        csv=f"{REPORT}/tables/paper/table_s1.csv",
        page=f"{REPORT}/tables/paper/table_s1.md",
    log:
        f"logs/{config['report']['name']}/table_s1.log",
    localrule: True
    params:
        shows=lambda wildcards: as_json(shows_of_report()),
    shell:
        "python {input.script:q} --shows={params.shows:q} --csv={output.csv:q} --page={output.page:q}"
        " > {log:q} 2>&1"


rule label_savings:
    """AvgDist against the label share, and the share of labels saved at equal AvgDist."""
    input:
        script=script("label_savings"),
        metrics=table_files(SAVINGS),
    output:
        csv=f"{REPORT}/tables/label_savings.csv",
        page=f"{REPORT}/tables/label_savings.md",
        figure=f"{REPORT}/figures/label_savings.svg",
    log:
        f"logs/{config['report']['name']}/label_savings.log",
    benchmark:
        f"results/benchmarks/tables/{config['report']['name']}-label_savings.tsv"
    localrule: True
    params:
        shares=as_json(config["report"]["shares"]),
        cells=as_json(table_cells(SAVINGS)),
    shell:
        "python {input.script:q} --shares={params.shares:q} --cells={params.cells:q}"
        " --csv={output.csv:q} --page={output.page:q} --figure={output.figure:q} > {log:q} 2>&1"
