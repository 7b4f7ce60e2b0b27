"""Which files are asked for, and what is said of them in the end. No rules here."""


def metrics_of(study):
    """Metrics files that the report of a study needs."""
    models = [
        *map(recipe_of, config["report"]["methods"]),
        *map(gcdr, config["report"]["student_timesteps"]),
    ]
    folder = f"{split_of(study)}/metrics"
    return [
        f"{folder}/{name}.json"
        for name in dict.fromkeys(
            [*models, "gradcam", "centre", "human", "random", f"diffusion-gc-{maps_of(gcdr())}"]
        )
    ]


def wanted():
    """Files that ``snakemake`` without a target makes."""
    shown = "report.html" if "gcdr" in config["report"]["methods"] else "tables/summary.txt"
    pages = [f"{REPORT}/{shown}"] if config["report"]["studies"] else []
    return pages + expand(
        "results/{study}/{name}",
        study=config["galleries"],
        name=["gallery.html", "predictions.csv"],
    )


def model_of(wildcards):
    """Files of the model that a recipe names."""
    split = STUDY.format(**wildcards)
    if not parse_recipe(wildcards.recipe).about.student:
        return teacher_files(split, wildcards.recipe)
    return files_in(f"{split}/students/{wildcards.recipe}", "model.safetensors", "model.json")


def model_prior(wildcards):
    """The prior store, for a judged model that itself sees the Grad-CAM map."""
    method = parse_recipe(wildcards.recipe).about
    return prior_of(wildcards) if method.gradcam and not method.student else []


def about_model(wildcards):
    named = parse_recipe(wildcards.recipe)
    kind = "student" if named.about.student else "teacher"
    return about(wildcards, wildcards.recipe, named.method, kind, named.timestep)


TABLES = ["summary.txt", "table1.csv", "table1.md", "sweep.csv", "sweep.md"]


def table_cells(table):
    """Metrics files of a table by column, row and study."""
    return [
        [
            [
                "results/{}/labels{}-seed{}/metrics/{}.json".format(
                    study,
                    row.split(column),
                    config["studies"][study]["seed"],
                    row.result(column, config["refine"]),
                )
                for study in config["report"]["studies"]
            ]
            for row in table.rows
        ]
        for column in table.columns
    ]


def table_files(table):
    """The same files, each once."""
    rows = [row for column in table_cells(table) for row in column]
    return list(dict.fromkeys(path for row in rows for path in row))


def shown_files(study):
    """Where the report finds the study whose people it shows."""
    if study is None:
        return ""
    dataset = config["studies"][study]["dataset"]
    folder = f"results/data/{dataset}"
    return as_json(
        {
            "study": split_of(study),
            "manifest": f"{folder}/manifest.parquet",
            "images": image_root(dataset),
            "annotations": f"{folder}/annotations.parquet",
            "bodies": f"{folder}/bodies.parquet",
            "prior": prior_file(study, prior_store(prior_of_study(study))),
        }
    )


def shown_inputs(study):
    """Files of that study that the report reads beside the metrics."""
    if study is None:
        return []
    split = split_of(study)
    files = json.loads(shown_files(study))
    return [
        *(files[name] for name in ("manifest", "annotations", "bodies", "prior")),
        f"{split}/labels.parquet",
        f"{split}/test/{maps_of(gcdr())}.h5",
        f"{split}/metrics/{gcdr()}.h5",
    ]


def teacher_study(wildcards):
    """The study whose diffusion teacher refines this study's maps."""
    return config["studies"][wildcards.study]["teacher"]


def show_summary():
    """Print the tables and say where the pages are, when a run has ended well."""
    made = [path for path in wanted() if os.path.exists(path)]
    summary = Path(REPORT, "tables/summary.txt")
    if summary.exists() and config["report"]["studies"]:
        print(summary.read_text())
    for path in made:
        print(f"Open {path}")
