"""The paper's figures as targets; what each shows is in gcdr.report.paper_figures."""


rule step_maps:
    """What the diffusion model makes of a few test people's maps, step by step and from several timesteps."""
    input:
        script=script("step_maps"),
        manifest=data("manifest.parquet"),
        samples=SAMPLES,
        labels=LABELS,
        scores=raw_scores,
        prior=label_prior,
        teacher=label_teacher,
        choice=label_choice,
    output:
        f"{STUDY}/steps/{{variant}}.h5",
    log:
        "logs/{study}/labels{share}-seed{seed}/steps/{variant}.log",
    params:
        options=input_options("labels", "prior", "teacher", "choice"),
        settings=label_settings,
        device=config["device"],
    shell:
        "python {input.script:q} {params.options:q} --manifest={input.manifest:q}"
        " --samples={input.samples:q} --scores={input.scores:q} --settings={params.settings:q}"
        " --seed={wildcards.seed:q} --device={params.device:q} --out={output:q} > {log:q} 2>&1"


rule paper_figure:
    """A figure of the paper, drawn anew from the people of the first study of the report."""
    input:
        unpack(lambda wildcards: figure_inputs(wildcards.figure)),
        script=script("paper_figure"),
    output:
        png=f"{REPORT}/figures/{{figure}}.png",
        pdf=f"{REPORT}/figures/{{figure}}.pdf",
    log:
        f"logs/{config['report']['name']}/{{figure}}.log",
    wildcard_constraints:
        figure="|".join(PAPER_FIGURES),
    localrule: True
    params:
        options=figure_options,
        settings=figure_settings,
    shell:
        "python {input.script:q} {params.options:q} --figure={wildcards.figure:q}"
        " --scores={input.scores:q} --settings={params.settings:q} --out={output.png:q}"
        " --out={output.pdf:q} > {log:q} 2>&1"


rule figure6:
    """Figure 6: distance and AUC by show and method, and their means over shows."""
    input:
        script=script("figure6"),
        table=f"{REPORT}/tables/paper/table_s1.csv",
    output:
        png=f"{REPORT}/figures/figure6.png",
        pdf=f"{REPORT}/figures/figure6.pdf",
    log:
        f"logs/{config['report']['name']}/figure6.log",
    localrule: True
    shell:
        "python {input.script:q} --table={input.table:q} --out={output.png:q} --out={output.pdf:q}"
        " > {log:q} 2>&1"


for figure in PAPER_FIGURES:

    rule:
        name:
            figure
        input:
            expand(f"{REPORT}/figures/{figure}.{{ending}}", ending=["png", "pdf"]),
        localrule: True
