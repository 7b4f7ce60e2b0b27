"""Heatmaps for people without a label: refined by diffusion, or made by what it is compared with.

``which`` is ``pseudo`` for the unlabelled training people and ``test`` for judging the maps themselves.
"""


rule make_labels:
    """Labels by a recipe: what it needs and does is in the table of gcdr.methods."""
    input:
        script=script("make_labels"),
        code=gaze_code("make_labels"),
        manifest=data("manifest.parquet"),
        labels=f"{STUDY}/labels.parquet",
        samples=people_shown,
        prior=label_prior,
        teacher=label_teacher,
    output:
        f"{STUDY}/{{which}}/{{recipe}}.h5",
    log:
        "logs/{study}/labels{share}-seed{seed}/{which}/{recipe}.log",
    benchmark:
        "results/benchmarks/refine/{study}-labels{share}-seed{seed}-{which}-{recipe}.tsv"
    wildcard_constraints:
        which="pseudo|test",
    resources:
        gpu=lambda wildcards: GPU if parse_recipe(wildcards.recipe).about.teacher else 0,
    params:
        method=lambda wildcards: parse_recipe(wildcards.recipe).method,
        settings=label_settings,
        people=lambda wildcards: PEOPLE[wildcards.which],
        prior=lambda wildcards, input: f"--prior {input.prior}" if input.prior else "",
        teacher=lambda wildcards, input: option("teacher", input.teacher),
        device=config["device"],
    shell:
        "python {input.script} --method {params.method} --manifest {input.manifest}"
        " --labels {input.labels} --which {params.people} --samples {input.samples}"
        " {params.prior} {params.teacher} --settings {params.settings:q} --seed {wildcards.seed}"
        " --device {params.device} --out {output} > {log} 2>&1"
