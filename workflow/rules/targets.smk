"""Which files are asked for, and what is said of them in the end. No rules here."""

from dataclasses import replace

from gcdr.config.asked import diffuses, reported_methods
from gcdr.config.typical import typical_file
from gcdr.report.paper_figures import PAPER_FIGURES, WHERE_REPORTED

DIFFUSES = diffuses(config)
"""Whether a row of the report takes a diffusion model; else none is trained for the tables."""


def metrics_of(study):
    """Metrics files that the report of a study needs."""
    models = [variant_of(asked, study) for asked in config["report"]["methods"]]
    models += [gcdr(study, t) for t in config["report"]["student_timesteps"]]
    stores = dict.fromkeys([prior_store(prior_of_study(study)), *(m.prior for m in models)])
    maps = [f"gradcam+{store}" for store in stores if store]
    refined = [f"diffusion-gc-{maps_of(gcdr(study))}"] if DIFFUSES else []
    names = [*map(str, models), *maps, "centre", "human", "random", *refined]
    return [f"{split_of(study)}/metrics/{name}.json" for name in dict.fromkeys(names)]


def sweep_of(study):
    """The sweep over timesteps of a study, on the maps of its prior."""
    return f"{split_of(study)}/sweep+{prior_store(prior_of_study(study))}.json"


def sweeps_of_report():
    """The sweeps that the tables show: of studies with a row that takes a diffusion model."""
    return [sweep_of(study) for study in config["report"]["studies"] if DIFFUSES]


def choices_of(study):
    """The file of the timestep that the paper's method takes in a study, where labels choose it."""
    found = shown_study(study).choice if DIFFUSES else None
    return [found] if found else []


def reported_variants():
    """Variants of the rows of a report, in their order."""
    made = (
        str(variant_of(asked, study))
        for asked in config["report"]["methods"]
        for study in config["report"]["studies"]
    )
    return list(dict.fromkeys(made))


def table_options(wildcards, input):
    """What a report's tables call gaze models, and what several worlds gave with its settings, if they did."""
    return options(gaze_titles=as_json(reporting.gaze_titles(config)), typical=input.typical)


def reports_gcdr():
    """Whether the paper's method is among what is reported."""
    asked = config["report"]["methods"]
    return "gcdr" in [one["method"] if isinstance(one, dict) else one for one in asked]


def default_targets():
    """Files that ``snakemake`` without a target makes."""
    shown = "report.html" if reports_gcdr() else "tables/summary.txt"
    pages = [f"{REPORT}/{shown}"] if config["report"]["studies"] else []
    told = ["predictions.csv"] if config["predictions"] else []
    return pages + expand(
        "results/{study}/{name}", study=config["galleries"], name=["gallery.html", *told]
    )


def model_of(wildcards):
    """Files of the model that a variant names."""
    asked = parse_variant(wildcards.variant)
    folder = model_of_variant(wildcards.study, wildcards.share, wildcards.seed, asked)
    return files_in(folder, "model.safetensors", "model.json")


def model_prior(wildcards):
    """The prior store, for a judged model that itself sees its maps."""
    asked = parse_variant(wildcards.variant)
    seen = asked.about.gradcam and not asked.about.student
    return prior_file(wildcards.study, asked.prior) if seen else []


def about_model(wildcards):
    asked = parse_variant(wildcards.variant)
    kind = "student" if asked.about.student else "teacher"
    named = {"timestep": shown_timestep(asked), "prior": asked.prior, "gaze": asked.gaze}
    return about(wildcards, wildcards.variant, asked.method, kind, **named)


def about_maps(wildcards):
    """Of maps of test people that a diffusion model made."""
    asked = parse_variant(wildcards.variant)
    name = f"{wildcards.maps}-{wildcards.variant}"
    named = {"timestep": shown_timestep(asked), "prior": asked.prior}
    return about(wildcards, name, wildcards.maps, "maps", **named)


def shown_timestep(asked):
    """The timestep that a variant says; None where there is none or it is chosen later."""
    return None if asked.timestep == AUTO else asked.timestep


def about_prior(wildcards):
    """Of the raw maps of a prior."""
    name = f"gradcam+{wildcards.prior}"
    return about(wildcards, name, "gradcam", "maps", prior=wildcards.prior)


def about_sweep(wildcards):
    """Of a sweep."""
    named = {"study": wildcards.study, "seed": int(wildcards.seed), "prior": wildcards.prior}
    return as_json(named | {"share": labelled_share(wildcards)})


TABLES = ["summary.txt", "table1.csv", "table1.md"]
TABLES += ["sweep.csv", "sweep.md"] if DIFFUSES else []


def table_cells(table):
    """Metrics files of a table by column, row and study.

    Raises:
        WorkflowError: the table is about gaze models that the configuration does not have.
    """
    try:
        gazes = [reporting.gaze_of_row(config, table, row) for row in table.rows]
    except InputError as error:
        raise WorkflowError(str(error)) from None
    studies = config["report"]["studies"]
    return [
        [
            [table_cell(column, row, gaze, study) for study in studies]
            for row, gaze in zip(table.rows, gazes)
        ]
        for column in table.columns
    ]


def table_cell(column, row, gaze, study):
    """The metrics file of one study."""
    own = share_of(study)
    sampling = reporting.variant_sampling(config, study, row.share_in(column, own))
    result = row.result(
        sampling, prior_store(prior_of_study(study)), gaze, labeller_of(config, gaze)
    )
    folder = STUDY.format(
        study=study, share=row.split(column, own), seed=config["studies"][study]["seed"]
    )
    return f"{folder}/metrics/{result}.json"


def table_files(table):
    """The same files, each once."""
    rows = [row for column in table_cells(table) for row in column]
    return list(dict.fromkeys(path for row in rows for path in row))


def labelling_studies():
    """Studies whose labels may grow: those of the report, or those that teach for the galleries."""
    teachers = (config["studies"][name].get("teacher", name) for name in config["galleries"])
    return config["report"]["studies"] or list(dict.fromkeys(teachers))


def suggestion_inputs():
    """What gcdr suggest reads."""
    return [
        f"{split_of(study)}/{kind}"
        for study in labelling_studies()
        for kind in (f"pseudo/{pseudo_variant(gcdr(study))}.h5", f"predicted/{gcdr(study)}.h5")
    ]


def curves_of_studies():
    """How good models are at parts of the labels, a file a study."""
    return [f"{split_of(study)}/curve/{gcdr(study)}.json" for study in labelling_studies()]


def choices_of_studies():
    """Files of the timesteps that labels chose."""
    return [path for study in labelling_studies() for path in choices_of(study)]


def advice_options(wildcards, input):
    """What advice is made of; there may be no file of a choice."""
    return options(curves=input.curves, choices=as_json(list(input.choices)))


def shown_study(study):
    """Where the report finds the study whose people it shows."""
    dataset = config["studies"][study]["dataset"]
    store = prior_store(prior_of_study(study))
    return reporting.ShownStudy(
        study=split_of(study),
        manifest=in_data(dataset, "manifest.parquet"),
        images=image_root(dataset),
        annotations=points_of(study, split_of(study)),
        bodies=in_data(dataset, "bodies.parquet"),
        prior=prior_file(study, store),
        layer=layer_of(store),
        variant=str(gcdr(study)),
        choice=choice_of(study, split_name(study), config["studies"][study]["seed"], gcdr(study))
        or None,
        prior_made_by=STORES[store].made_by(),
    )


def further_runs(study):
    """The report's other studies that make the same variant: runs of the same, with other seeds or worlds."""
    same = [one for one in config["report"]["studies"] if str(gcdr(one)) == str(gcdr(study))]
    return [shown_study(one) for one in same if one != study]


def shown_inputs(study):
    """Files of that study that the report reads beside the metrics."""
    if study is None:
        return []
    shown = shown_study(study)
    return [
        *(shown.manifest, shown.annotations, shown.bodies, shown.prior),
        *(
            path
            for one in further_runs(study)
            for path in (one.manifest, one.annotations, one.prior)
        ),
        *(f"{split_of(one)}/labels.parquet" for one in config["report"]["studies"]),
        f"{shown.study}/test/{maps_of(gcdr(study))}.h5",
        f"{shown.study}/metrics/{shown.variant}.h5",
    ]


def report_settings(study):
    """What decides the report."""
    curves = curves_of_studies() if config["report"]["advice"] else []
    shown = shown_study(study)
    return settings_json(
        reporting.report(config, reported_variants(), shown, curves, further_runs(study))
    )


def figure_stores(figure, study):
    """Label stores of test people that a figure shows, by method."""
    made = {
        method: f"{split_of(study)}/test/{maps_of(variant_of(method, study))}.h5"
        for method in PAPER_FIGURES[figure].stores
    }
    reported = reported_methods(config)
    return {name: path for name, path in made.items() if name not in WHERE_REPORTED - {*reported}}


def figure_inputs(figure):
    """Files that a figure is made of, beside the pictures."""
    if SHOWN is None:
        raise WorkflowError(
            f"{figure}: report.studies is empty, expected a study whose people are shown"
        )
    shown, maps = shown_study(SHOWN), maps_of(gcdr(SHOWN))
    return {
        "people": [shown.manifest, shown.annotations, shown.bodies, shown.prior],
        "labels": f"{shown.study}/labels.parquet",
        "scores": f"{shown.study}/metrics/gradcam+{maps.prior}.parquet",
        "stores": list(figure_stores(figure, SHOWN).values()),
        "steps": f"{shown.study}/steps/{maps}.h5" if PAPER_FIGURES[figure].steps else [],
    }


def figure_options(wildcards, input):
    """Options with the inputs that not every figure has, and the label stores by method."""
    stores = as_json(figure_stores(wildcards.figure, SHOWN))
    return options(steps=input.steps, stores=stores)


def figure_settings(wildcards):
    """What decides a figure."""
    shown = shown_study(SHOWN)
    maps = learning.map_settings(config, shown.layer)
    settings = reporting.FigureSettings(shown, maps, config["diffusion"]["timesteps"])
    return settings_json(settings)


def raw_scores(wildcards):
    """Scores of the raw maps that a variant sees, a row a test person."""
    prior = parse_variant(wildcards.variant).prior
    return f"{STUDY.format(**wildcards)}/metrics/gradcam+{prior}.parquet"


def teacher_study(wildcards):
    """The study whose diffusion teacher refines this study's maps."""
    return config["studies"][wildcards.study]["teacher"]


def folder_teacher(wildcards):
    """That teacher's files."""
    study, asked = teacher_study(wildcards), parse_variant(wildcards.variant)
    return teacher_files(study, split_name(study), config["studies"][study]["seed"], asked)


def folder_student(wildcards):
    """Files of that study's student; its own prior stands in the name."""
    study = teacher_study(wildcards)
    folder = f"{split_of(study)}/students/{wildcards.variant}"
    return files_in(folder, "model.safetensors", "model.json")


def folder_predictions(wildcards):
    """What that student says of this study's people."""
    return f"results/{wildcards.study}/predictions/{gcdr(teacher_study(wildcards))}.h5"


def shown_predictions(wildcards):
    """Those that a gallery shows, if it shows any."""
    return folder_predictions(wildcards) if config["predictions"] else []


def folder_refined(wildcards):
    """Refined maps of this study's people."""
    return f"results/{wildcards.study}/pseudo/{maps_of(gcdr(wildcards.study))}.h5"


def folder_prior(wildcards):
    """This study's prior store."""
    return prior_file(wildcards.study, prior_store(prior_of_study(wildcards.study)))


def folder_labels(wildcards):
    """What a study that is its own teacher shows of its labels; other labels a gallery does not read."""
    own = teacher_study(wildcards) == wildcards.study
    return f"{split_of(wildcards.study)}/labels.parquet" if own else []


GALLERY_FILES = "manifest annotations bodies labels prior refined predicted".split()


def gallery_settings(wildcards):
    """What decides a gallery beside these files."""
    images, layer = images_of_study(wildcards), layer_of_study(wildcards)
    notice = reporting.notice_of_gallery(config, wildcards.study)
    return settings_json(reporting.GallerySettings(images, layer, notice, config["blur_faces"]))
