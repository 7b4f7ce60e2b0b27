"""Own images through the same rules: what another study's teacher and student say of their people."""

from gcdr.data.formats import EXPORTED_FORMATS


use rule make_labels as refine_folder with:
    # The Grad-CAM maps of all people of a data set, refined with another study's diffusion teacher.
    input:
        script=script("make_labels"),
        manifest=data("manifest.parquet"),
        samples=SAMPLES,
        prior=label_prior,
        teacher=folder_teacher,
        choice=folder_choice,
    output:
        "results/{study}/pseudo/{variant,gcdr-t.*}.h5",
    log:
        "logs/{study}/{variant}.log",
    benchmark:
        "results/benchmarks/refine/{study}-{variant}.tsv"
    params:
        options=folder_options,
        settings=label_settings,


use rule refine_folder as predict_folder with:
    # What that study's student says of them.
    input:
        script=script("make_labels"),
        manifest=data("manifest.parquet"),
        samples=shown_to(asked_gaze),
        teacher=folder_student,
    output:
        "results/{study}/predictions/{variant,gcdr-t.*}.h5",
    log:
        "logs/{study}/predictions/{variant}.log",
    benchmark:
        "results/benchmarks/predict/{study}-{variant}.tsv"
    params:
        options=folder_options,
        settings=settings_json(learning.prediction_settings(config)),


rule export_folder:
    """The student's gaze points, in the form of the table that came with the images."""
    input:
        script=script("export"),
        manifest=data("manifest.parquet"),
        maps=folder_predictions,
    output:
        "results/{study}/predictions.csv",
    log:
        "logs/{study}/export.log",
    benchmark:
        "results/benchmarks/export/{study}.tsv"
    shell:
        "python {input.script:q} --manifest={input.manifest:q} --maps={input.maps:q}"
        " --out={output:q} > {log:q} 2>&1"


rule export_pseudo:
    """Pseudo-labels of a folder's people, and the labels that are known, for other code."""
    input:
        script=script("export_pseudo"),
        manifest=data("manifest.parquet"),
        annotations=data("annotations.parquet"),
        labels=folder_labels,
        maps=folder_refined,
    output:
        directory("results/{study}/exports/{format}"),
    log:
        "logs/{study}/exports/{format}.log",
    benchmark:
        "results/benchmarks/export/{study}-{format}.tsv"
    wildcard_constraints:
        format=one_of(EXPORTED_FORMATS),
    params:
        files=input_options("manifest", "annotations", "labels", "maps"),
    shell:
        "python {input.script:q} {params.files:q} --format={wildcards.format:q} --out={output:q}"
        " > {log:q} 2>&1"


rule gallery:
    input:
        script=script("gallery"),
        manifest=data("manifest.parquet"),
        annotations=data("annotations.parquet"),
        bodies=data("bodies.parquet"),
        labels=folder_labels,
        prior=folder_prior,
        refined=folder_refined,
        predicted=shown_predictions,
    output:
        page="results/{study}/gallery.html",
        pictures=directory("results/{study}/gallery"),
    log:
        "logs/{study}/gallery.log",
    benchmark:
        "results/benchmarks/gallery/{study}.tsv"
    params:
        files=input_options(*GALLERY_FILES),
        settings=gallery_settings,
    shell:
        "python {input.script:q} {params.files:q} --settings={params.settings:q}"
        " --pictures={output.pictures:q} --out={output.page:q} > {log:q} 2>&1"
