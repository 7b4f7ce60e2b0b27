"""Teachers on labels, and students on labels and pseudo-labels: one body, six sorts of inputs."""

MODEL_FILES = ["model.safetensors", "model.json", "log.csv"]
LABELLED = {"samples": SAMPLES, "originals": originals, "labels": LABELS}
SHOWN = LABELLED | {"samples": shown_to(trained_gaze)}  # a frozen backbone's tokens, perhaps


rule train_student:
    """A student on labels and stored pseudo-labels."""
    input:
        **gaze_stage("train_gaze", trained_gaze),
        **SHOWN,
        pseudo=student_labels,
        init=gaze_init,
        backbone=gaze_backbone,
    output:
        multiext(f"{TRAINED}/", *MODEL_FILES),
    log:
        "logs/{study}/labels{share}-seed{seed}/{kind}/{name}.log",
    benchmark:
        "results/benchmarks/{kind}/{study}-labels{share}-seed{seed}-{name}.tsv"
    wildcard_constraints:
        kind="students",
        name=STORED,
    resources:
        gpu=GPU,
    params:
        settings=training_settings,
        options=training_options,
    shell:
        "python {input.script:q} --samples={input.samples:q} --labels={input.labels:q}"
        " --originals={input.originals:q} --settings={params.settings:q} {params.options:q} > {log:q} 2>&1"


use rule train_student as train_online_student with:
    input:
        **gaze_stage("train_online_student", trained_gaze),
        **LABELLED,
        pseudo=student_labels,
        teacher=online_teacher,
        choice=online_choice,
        init=gaze_init,
        backbone=gaze_backbone,
    wildcard_constraints:
        kind="students",
        name=pattern(NAMES, ONLINE),


use rule train_student as train_teacher with:
    input:
        **gaze_stage("train_gaze", trained_gaze),
        **SHOWN,
        prior=teacher_prior,
        init=gaze_init,
        backbone=gaze_backbone,
    wildcard_constraints:
        kind="teachers",
        name=teachers(family="gaze", mean_teacher=False),


use rule train_student as train_diffusion with:
    input:
        **stage("train_diffusion"),
        **LABELLED,
        init=diffusion_init,
    wildcard_constraints:
        kind="teachers",
        name=teachers(family="diffusion", mean_teacher=False),
    priority: 10


use rule train_student as train_mean_teacher with:
    input:
        **gaze_stage("train_mean_teacher", trained_gaze),
        **SHOWN,
        init=mean_teacher_init,
        backbone=gaze_backbone,
    wildcard_constraints:
        kind="teachers",
        name=teachers(mean_teacher=True),


use rule train_student as train_mapping with:
    input:
        **stage("train_mapping"),
        **LABELLED,
        prior=teacher_prior,
        init=mapping_init,
    wildcard_constraints:
        kind="teachers",
        name=teachers(family="mapping"),


use rule train_student as train_fold with:
    input:
        **stage("train_diffusion"),
        **LABELLED,
        manifest=data("manifest.parquet"),
        init=fold_init,
    wildcard_constraints:
        kind="folds",
        name=r"\d+-of-\d+",
    priority: 20  # the longest way to the report: folds, choice, labels, student
    params:
        settings=fold_settings,
        options=training_options,
