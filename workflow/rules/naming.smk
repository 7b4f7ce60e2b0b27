"""Which vocabulary names what is looked at, and by what it is embedded. No rules here."""

from types import SimpleNamespace

from gcdr.base.files import text_digest
from gcdr.data.vocabulary import WORLD_VOCABULARY
from gcdr.priors.tower_files import image_tower_title

GUESSES = ["random", "majority", "answers"]
SHOWN_SAMPLES = samples_of(None, config["samples"]["size"])
TOWER_FILES = ["config.json", "model.safetensors", "vocab.json", "merges.txt", "tokenizer.json"]


def vocabulary_name():
    """What the vocabulary is called in paths: "world", or a digest of where its file lies."""
    file = config["semantics"]["vocabulary"]
    return file if file == WORLD_VOCABULARY else text_digest(file)[:12]


def vocabulary_file():
    """The file of the vocabulary; none of the demo world's own."""
    file = config["semantics"]["vocabulary"]
    return [] if file == WORLD_VOCABULARY else file


def tower_files():
    """Files of the text tower: the first two must be there."""
    folder = config["semantics"]["tower"]
    found = [name for name in TOWER_FILES[2:] if os.path.exists(f"{folder}/{name}")]
    return files_in(folder, *TOWER_FILES[:2], *found)


def second_stage_options(wildcards, input):
    """What a second stage looks at, and by which image tower, as options."""
    return options(
        images=images_of_study(wildcards),
        how=wildcards.how,
        sigma=str(config["heatmap"]["sigma"]),
        tower=os.path.dirname(input.tower[0]),
    )


def image_tower_files():
    """Files of the image tower of the two-stage baseline: that of the text tower's model, or another."""
    folder = config["semantics"]["image_tower"]
    if folder is None:
        return tower_files()
    sizes = "config.json" if os.path.exists(f"{folder}/config.json") else "card.json"
    return files_in(folder, sizes, TOWER_FILES[1])


def seen_by():
    """What the image tower of the two-stage baseline is, for people."""
    return image_tower_title(
        Path(config["semantics"]["image_tower"] or config["semantics"]["tower"])
    )


def learns_names(gaze):
    """Whether an entry of gaze.models learns names."""
    return learning.names_of(config, gaze) is not None


def learned_space(wildcards):
    """The vocabulary of a training that learns names."""
    return SPACE if learns_names(trained_gaze(wildcards)) else []


def learned_names(wildcards):
    """Names of people who show none, by its prior's answers or by a detector, of a student that learns them."""
    source = learning.names_of(config, trained_gaze(wildcards))
    if wildcards.kind != "students" or source in (None, "given"):
        return []
    if source == "detected":
        return named_by_detector(wildcards)
    return named_by_answers(wildcards, parse_variant(wildcards.name).prior)


def about_guess(wildcards):
    """Of names that no gaze model says."""
    return about(wildcards, wildcards.guess, "baselines", "baseline")


def guessed_names(wildcards):
    """Names by answers, where they are what is judged."""
    return named_by_answers(wildcards) if wildcards.guess == "answers" else []


def named_by_detector(wildcards):
    """Names of a study's people under the points of a student's pseudo-labels."""
    stored = pseudo_variant(parse_variant(wildcards.name))
    return f"{STUDY.format(**wildcards)}/names/detected-{stored}.parquet"


def region_detector(wildcards):
    """Files of the detector: the first two must be there."""
    folder = config["semantics"]["detector"]["weights"]
    if folder is None:
        raise WorkflowError("semantics.detector.weights: found null, expected a folder")
    return files_in(folder, *TOWER_FILES[:2])


def named_by_answers(wildcards, store=None):
    """Names of a study's people by what a prior store answers; by that of the study's own prior if none is named."""
    store = store or prior_store(prior_of_study(wildcards.study))
    return f"{STUDY.format(**wildcards)}/names/{store}.parquet"


def semantic_variants(study):
    """Variants of the report's methods whose gaze model learns names."""
    asked = (variant_of(method, study) for method in config["report"]["methods"])
    return [one for one in asked if one.gaze and learns_names(one.gaze)]


def semantic_rows(studies):
    """Rows of models over some studies: what each is, and its files, one a study."""
    rows = []
    for variants in zip(*map(semantic_variants, studies), strict=True):
        named = list(map(str, variants))
        files = [semantic_file(s, v) for s, v in zip(studies, named)]
        rows.append({"variants": named, "files": files})
        for how in config["semantics"]["two_stage"]:
            files = [semantic_file(s, f"{how}-{v}") for s, v in zip(studies, named)]
            rows.append({"variants": named, "how": how, "files": files})
    return rows


def answers_names(study):
    """Whether the prior of a study says of its test people what they look at."""
    return PRIORS[prior_of_study(study)].names_things(tested_on(study))


def guessed_rows(studies):
    """Rows of names that no gaze model says; answers where every prior gives some."""
    guesses = [one for one in GUESSES if one != "answers" or all(map(answers_names, studies))]
    return [{"guess": name, "files": [semantic_file(s, name) for s in studies]} for name in guesses]


def rows_by_method():
    """Rows of the table of where and what, each the mean of the report's studies."""
    studies = config["report"]["studies"]
    return guessed_rows(studies) + semantic_rows(studies)


def rows_by_study():
    """Rows in which each study stands for itself, as models of one data set begun in several ways do."""
    studies = config["report"]["studies"]
    rows = []
    for study in studies:
        guessed = guessed_rows([study]) if study == studies[0] else []
        of_study = guessed + semantic_rows([study])
        rows += [row | {"study": study} for row in of_study]
    return rows


def semantic_file(study, name):
    return f"{split_of(study)}/semantics/{name}.json"


def row_options(rows):
    """Rows of such a table, and what it calls gaze models, as options."""
    return options(rows=as_json(rows), gaze_titles=as_json(reporting.gaze_titles(config)))


def files_of(rows):
    """The files of rows, each once."""
    return list(dict.fromkeys(file for row in rows for file in row["files"]))


def named_datasets():
    """The data sets that the report's studies are about, as the figure of names is told of them."""
    asked = [config["studies"][study]["dataset"] for study in config["report"]["studies"]]
    tables = {"manifest": "manifest.parquet", "annotations": "annotations.parquet"}
    tables |= {"annotated": "annotated.parquet", "samples": SHOWN_SAMPLES}
    return [
        {"name": name, "images": image_root(name)}
        | {key: in_data(name, file) for key, file in tables.items()}
        for name in dict.fromkeys(asked)
    ]


def named_files(wildcards):
    """The files of these data sets."""
    return [
        file
        for one in named_datasets()
        for key, file in one.items()
        if key not in ("name", "images")
    ]


def people_inputs(wildcards):
    """Of the last method of the report whose gaze model learns names, in the report's first study."""
    study = first_study(config)
    variants = semantic_variants(study)
    if not variants:
        raise WorkflowError(
            "figure_people: no method of report.methods has a gaze model that learns names"
        )
    folder, dataset = split_of(study), config["studies"][study]["dataset"]
    names = {"study": study, "share": split_name(study), "seed": config["studies"][study]["seed"]}
    asked = SimpleNamespace(**names, variant=str(variants[-1]))
    return {
        "model": model_of(asked),
        "maps": f"{folder}/metrics/{asked.variant}.h5",
        "shown": shown_to(asked_gaze)(asked),
        "samples": in_data(dataset, SHOWN_SAMPLES),
        "manifest": in_data(dataset, "manifest.parquet"),
        "annotated": in_data(dataset, "annotated.parquet"),
        "annotations": points_of(study, folder),
    }
