"""Figures of where and what, of the first study of the report or of all its data sets."""

SEMANTIC = f"{REPORT}/figures"


rule figure_named:
    """Test people of the report's data sets with the names of what they look at."""
    input:
        script=script("figure_named"),
        files=named_files,
    output:
        png=f"{SEMANTIC}/figure_named.png",
        pdf=f"{SEMANTIC}/figure_named.pdf",
    log:
        f"logs/{config['report']['name']}/figure_named.log",
    localrule: True
    params:
        datasets=lambda wildcards: as_json(named_datasets()),
    shell:
        "python {input.script:q} --datasets={params.datasets:q} --out={output.png:q} --out={output.pdf:q}"
        " > {log:q} 2>&1"


rule figure_people:
    """What the first model with names says of everybody in pictures, and what a second stage is shown."""
    input:
        unpack(people_inputs),
        script=script("figure_people"),
        space=SPACE,
    output:
        people=[f"{SEMANTIC}/figure_people.{ending}" for ending in ("png", "pdf")],
        stages=[f"{SEMANTIC}/figure_stages.{ending}" for ending in ("png", "pdf")],
    log:
        f"logs/{config['report']['name']}/figure_people.log",
    params:
        images=lambda wildcards: image_root(config["studies"][first_study(config)]["dataset"]),
        model=lambda wildcards, input: os.path.dirname(input.model[0]),
        seen_by=seen_by(),
        out=lambda wildcards, output: options(
            people=list(output.people), stages=list(output.stages)
        ),
    shell:
        "python {input.script:q} --model={params.model:q} --maps={input.maps:q} --samples={input.samples:q}"
        " --shown={input.shown:q} --images={params.images:q} --manifest={input.manifest:q}"
        " --annotated={input.annotated:q} --annotations={input.annotations:q} --space={input.space:q}"
        " --seen_by={params.seen_by:q} {params.out:q} > {log:q} 2>&1"
