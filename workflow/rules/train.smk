"""Teachers on labels, and students on labels and pseudo-labels, or on tokens: one body, seven sorts of inputs."""

MODEL_FILES = ["model.safetensors", "model.json", "log.csv"]
LABELLED = {"samples": SAMPLES, "originals": originals, "labels": LABELS}
STARTS = {"init": gaze_init, "backbone": gaze_backbone}  # of a gaze model
NAMED = {"space": learned_space, "named": learned_names}
SHOWN = LABELLED | {"samples": shown_to(trained_gaze)}  # a frozen backbone's tokens, perhaps


rule train_student:
    """A student on labels and stored pseudo-labels."""
    input:
        **SHOWN,
        **STARTS,
        **NAMED,
        script=script("train_gaze"),
        pseudo=student_labels,
    output:
        multiext(f"{TRAINED}/", *MODEL_FILES),
    log:
        "logs/{study}/labels{share}-seed{seed}/{kind}/{name}.log",
    benchmark:
        "results/benchmarks/{kind}/{study}-labels{share}-seed{seed}-{name}.tsv"
    wildcard_constraints:
        kind="students",
        name=STORED,
    threads: config["processes"]
    params:
        settings=training_settings,
        options=training_options,
    shell:
        "{TRAINER:q} {input.script:q} --samples={input.samples:q} --labels={input.labels:q}"
        " --originals={input.originals:q} --settings={params.settings:q} {params.options:q} > {log:q} 2>&1"


use rule train_student as train_online_student with:
    input:
        **LABELLED,
        **STARTS,
        script=script("train_online_student"),
        pseudo=student_labels,
        teacher=online_teacher,
        choice=online_choice,
    wildcard_constraints:
        kind="students",
        name=pattern(BY_LABELS, ONLINE),


use rule train_student as train_token_student with:
    input:
        **SHOWN,
        **STARTS,
        script=script("train_token_student"),
        teacher=online_teacher,
        shown=shown_to(teaching_gaze),
    wildcard_constraints:
        kind="students",
        name=TOKENS,


use rule train_student as train_teacher with:
    input:
        **SHOWN,
        **STARTS,
        **NAMED,
        script=script("train_gaze"),
        prior=teacher_prior,
    wildcard_constraints:
        kind="teachers",
        name=teachers(family="gaze", labels_alone=True),


use rule train_student as train_diffusion with:
    input:
        **LABELLED,
        script=script("train_diffusion"),
        init=diffusion_init,
    wildcard_constraints:
        kind="teachers",
        name=teachers(family="diffusion", labels_alone=True),
    priority: 10


use rule train_student as train_consistency with:
    input:
        **SHOWN,
        script=script("train_consistency"),
        init=consistency_init,
        backbone=gaze_backbone,
    wildcard_constraints:
        kind="teachers",
        name=teachers(labels_alone=False),


use rule train_student as train_mapping with:
    input:
        **LABELLED,
        script=script("train_mapping"),
        prior=teacher_prior,
        init=mapping_init,
    wildcard_constraints:
        kind="teachers",
        name=teachers(family="mapping"),


use rule train_student as train_fold with:
    input:
        **LABELLED,
        script=script("train_diffusion"),
        manifest=data("manifest.parquet"),
        init=fold_init,
    wildcard_constraints:
        kind="folds",
        name=r"\d+-of-\d+",
    priority: 20  # the longest way to the report: folds, choice, labels, student
    params:
        settings=fold_settings,
        options=training_options,
