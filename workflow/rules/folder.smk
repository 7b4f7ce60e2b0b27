"""Own images through the same rules: what another study's teacher and student say of their people."""


rule refine_folder:
    """Refine the Grad-CAM maps of all people of a data set with another study's diffusion teacher."""
    input:
        script=script("make_labels"),
        code=gaze_code("make_labels"),
        manifest=data("manifest.parquet"),
        samples=SAMPLES,
        prior=label_prior,
        teacher=folder_teacher,
    output:
        "results/{study}/pseudo/{recipe}.h5",
    log:
        "logs/{study}/{recipe}.log",
    benchmark:
        "results/benchmarks/refine/{study}-{recipe}.tsv"
    wildcard_constraints:
        recipe="gcdr-t.*",
    resources:
        gpu=GPU,
    params:
        settings=label_settings,
        prior=lambda wildcards, input: f"--prior {input.prior}",
        teacher=lambda wildcards, input: folder_of(input.teacher),
        seed=lambda wildcards: config["studies"][wildcards.study]["seed"],
        device=config["device"],
    shell:
        "python {input.script} --method gcdr --manifest {input.manifest} --which all"
        " --samples {input.samples} {params.prior} --teacher {params.teacher}"
        " --settings {params.settings:q} --seed {params.seed} --device {params.device}"
        " --out {output} > {log} 2>&1"


use rule refine_folder as predict_folder with:
    input:
        script=script("make_labels"),
        code=gaze_code("make_labels"),
        manifest=data("manifest.parquet"),
        samples=SAMPLES,
        prior=[],
        teacher=folder_student,
    output:
        "results/{study}/predictions/{recipe}.h5",
    log:
        "logs/{study}/predictions/{recipe}.log",
    benchmark:
        "results/benchmarks/predict/{study}-{recipe}.tsv"
    params:
        settings=as_json(learning.prediction_settings(config).to_json()),
        prior="",
        teacher=lambda wildcards, input: folder_of(input.teacher),
        seed=lambda wildcards: config["studies"][wildcards.study]["seed"],
        device=config["device"],


rule export_folder:
    """The student's gaze points, in the form of the table that came with the images."""
    input:
        script=script("export"),
        code=code("export"),
        manifest=data("manifest.parquet"),
        maps=folder_predictions,
    output:
        "results/{study}/predictions.csv",
    log:
        "logs/{study}/export.log",
    benchmark:
        "results/benchmarks/export/{study}.tsv"
    localrule: True
    shell:
        "python {input.script} --manifest {input.manifest} --maps {input.maps}"
        " --out {output} > {log} 2>&1"


rule gallery:
    input:
        script=script("gallery"),
        code=code("gallery"),
        manifest=data("manifest.parquet"),
        bodies=data("bodies.parquet"),
        prior=folder_prior,
        refined=folder_refined,
        predicted=folder_predictions,
    output:
        "results/{study}/gallery.html",
    log:
        "logs/{study}/gallery.log",
    benchmark:
        "results/benchmarks/gallery/{study}.tsv"
    localrule: True
    params:
        images=lambda wildcards: image_root(config["studies"][wildcards.study]["dataset"]),
        layer=layer_of_study,
        notice=config["notice"],
    shell:
        "python {input.script} --manifest {input.manifest} --images {params.images:q}"
        " --bodies {input.bodies} --prior {input.prior} --refined {input.refined}"
        " --predicted {input.predicted} --layer {params.layer} --notice {params.notice:q} --out {output} > {log} 2>&1"
