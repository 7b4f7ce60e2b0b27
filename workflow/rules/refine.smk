"""Heatmaps for people without a label: refined by diffusion, or made by what it is compared with.

``which`` is ``pseudo`` for the unlabelled training people and ``test`` for judging the maps themselves.
"""


rule make_labels:
    """Labels by a variant: what it needs and does is in the table of gcdr.methods."""
    input:
        script=script("make_labels"),
        manifest=data("manifest.parquet"),
        labels=LABELS,
        samples=shown_to(asked_gaze),
        prior=label_prior,
        teacher=label_teacher,
        choice=label_choice,
    output:
        f"{STUDY}/{{which,pseudo|test}}/{{variant}}.h5",
    log:
        "logs/{study}/labels{share}-seed{seed}/{which}/{variant}.log",
    benchmark:
        "results/benchmarks/refine/{study}-labels{share}-seed{seed}-{which}-{variant}.tsv"
    priority: 30
    params:
        options=label_options,
        settings=label_settings,
    shell:
        "python {input.script:q} {params.options:q} --manifest={input.manifest:q}"
        " --samples={input.samples:q} --settings={params.settings:q} --out={output:q} > {log:q} 2>&1"
