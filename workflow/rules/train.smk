"""Teachers on labels, and students on labels and pseudo-labels: one body, six sorts of inputs."""

MODEL_FILES = ["model.safetensors", "model.json", "log.csv"]


rule train_student:
    """A student on labels and stored pseudo-labels."""
    input:
        script=script("train_gaze"),
        code=gaze_code("train_gaze"),
        samples=people_shown,
        originals=originals,
        labels=f"{STUDY}/labels.parquet",
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
        device=config["device"],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --samples {input.samples} --labels {input.labels}"
        " --originals {input.originals} --settings {params.settings:q} {params.options} --seed {wildcards.seed}"
        " --device {params.device} --out {params.out} > {log} 2>&1"


use rule train_student as train_online_student with:
    input:
        script=script("train_online_student"),
        code=gaze_code("train_online_student"),
        samples=SAMPLES,
        originals=originals,
        labels=f"{STUDY}/labels.parquet",
        pseudo=student_labels,
        teacher=label_teacher,
        init=gaze_init,
        backbone=gaze_backbone,
    wildcard_constraints:
        kind="students",
        name=pattern(NAMES, ONLINE),


use rule train_student as train_teacher with:
    input:
        script=script("train_gaze"),
        code=gaze_code("train_gaze"),
        samples=people_shown,
        originals=originals,
        labels=f"{STUDY}/labels.parquet",
        prior=teacher_prior,
        init=gaze_init,
        backbone=gaze_backbone,
    wildcard_constraints:
        kind="teachers",
        name=teachers(family="gaze", mean_teacher=False),


use rule train_student as train_diffusion with:
    input:
        script=script("train_diffusion"),
        code=code("train_diffusion"),
        samples=SAMPLES,
        originals=originals,
        labels=f"{STUDY}/labels.parquet",
        init=diffusion_init,
    wildcard_constraints:
        kind="teachers",
        name=teachers(family="diffusion", mean_teacher=False),


use rule train_student as train_mean_teacher with:
    input:
        script=script("train_mean_teacher"),
        code=gaze_code("train_mean_teacher"),
        samples=people_shown,
        originals=originals,
        labels=f"{STUDY}/labels.parquet",
        init=mean_teacher_init,
        backbone=gaze_backbone,
    wildcard_constraints:
        kind="teachers",
        name=teachers(mean_teacher=True),


use rule train_student as train_mapping with:
    input:
        script=script("train_mapping"),
        code=code("train_mapping"),
        samples=SAMPLES,
        originals=originals,
        labels=f"{STUDY}/labels.parquet",
        prior=teacher_prior,
        init=mapping_init,
    wildcard_constraints:
        kind="teachers",
        name=teachers(family="mapping"),
