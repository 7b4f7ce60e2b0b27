"""Whom to label next: what ``gcdr suggest`` reads."""


use rule make_labels as predict_unlabelled with:
    # What a student says of the unlabelled people, beside their pseudo-labels.
    input:
        script=script("make_labels"),
        manifest=data("manifest.parquet"),
        labels=LABELS,
        samples=shown_to(asked_gaze),
        teacher=student_files,
    output:
        f"{STUDY}/predicted/{{variant,gcdr-t.*}}.h5",
    log:
        "logs/{study}/labels{share}-seed{seed}/predicted/{variant}.log",
    benchmark:
        "results/benchmarks/predict/{study}-labels{share}-seed{seed}-{variant}.tsv"
    params:
        options=prediction_options,
        settings=settings_json(learning.prediction_settings(config)),


rule suggestions:
    """Pseudo-labels and predictions of the unlabelled people."""
    input:
        suggestion_inputs(),
    localrule: True
