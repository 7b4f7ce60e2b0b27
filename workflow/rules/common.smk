"""The path scheme, and what the configuration means for it. No rules here."""

import json
import os
from pathlib import Path

import yaml

from gcdr.checks import check_references, check_writable, prepare_environment, wants_gpu
from gcdr.config import by_share, validate_config
from gcdr.datasets.layout import annotation_files
from gcdr.download import planned_files
from gcdr.errors import InputError
from gcdr.methods import METHODS, PATTERN, TEACHERS, averaged, parse_recipe, pseudo_recipe, recipe
from gcdr.models.config import CHECKPOINTS, weights_file
from gcdr.pool import pool_name, sources_of
from gcdr.provenance import modules_behind
from gcdr.vqa.ofa.layouts import BLIP, OURS, TEXT, WEIGHTS, find_layout
from snakemake.exceptions import WorkflowError

prepare_environment()

try:
    schema = Path(workflow.basedir, "workflow/schemas/config.schema.yaml")
    validate_config(config, yaml.safe_load(schema.read_text()))
    check_references(config)
    check_writable(Path("results"))
except InputError as error:
    raise WorkflowError(str(error)) from None

# A study with several sources is one of a data set of its own, the pool of their people.
for study in config["studies"].values():
    if "dataset" not in study:
        sources = sources_of(study)
        study["dataset"] = pool_name(study)
        config["datasets"][study["dataset"]] = {
            "kind": "pool",
            **sources,
            "test": sources["test"][0],
        }


# Paths

DATA = "results/data/{dataset}"
PRIOR = f"{DATA}/priors/{{prior}}"
STUDY = "results/{study}/labels{share}-seed{seed}"
REPORT = f"results/{config['report']['name']}"


wildcard_constraints:
    dataset="[^/]+",
    prior="[^/]+",
    study="|".join(config["studies"]) or "none",
    share=r"\d+(-unlabelled\d+)?",
    seed=r"\d+",
    recipe=PATTERN,
    shard=r"\d+",


def split_of(study):
    """Folder of a study's label split."""
    share, unlabelled = config["split"]["share"], config["split"]["unlabelled"]
    named = share if unlabelled is None else f"{share}-unlabelled{unlabelled}"
    return STUDY.format(study=study, share=named, seed=config["studies"][study]["seed"])


def labelled_share(wildcards):
    """The labelled share in per cent, of a split's name such as 10 or 10-unlabelled50."""
    return int(wildcards.share.split("-")[0])


def split_arguments(name):
    """Arguments of the split for its name."""
    return "--share " + name.replace("-unlabelled", " --unlabelled ")


def data(name):
    """A file of the data set that a study is about."""

    def path(wildcards):
        return in_data(config["studies"][wildcards.study]["dataset"], name)

    return path


def in_data(dataset, name):
    """A file of a data set."""
    return f"results/data/{dataset}/{name}"


def members_of(pool):
    """Data sets that a pool is made of, each once."""
    source = config["datasets"][pool]
    return list(dict.fromkeys([*source["labelled"], *source["unlabelled"], source["test"]]))


def of_members(pool, name):
    """A file of each data set that a pool is made of, by data set."""
    return {member: in_data(member, name) for member in members_of(pool)}


def prior_of(wildcards):
    """The merged prior store of a study's data set, and with it the shards it is a view of."""
    return data(f"priors/{prior_name()}.h5")(wildcards)


def prior_name(overlay=None, which="all"):
    """Name of a prior store: model and overlay, and whose it is if not everybody's."""
    name = f"{config['prior']['name']}-{overlay or config['prior']['overlay']}"
    return name if which == "all" else f"{name}-of-{which}"


def priors_by_overlay():
    """Prior stores of every overlay; those that only Table S7 wants hold the test people alone."""
    used = config["prior"]["overlay"]
    return [
        prior_name(overlay, "all" if overlay == used else "test")
        for overlay in ("body", "head", "none")
    ]


def reported_datasets():
    """Data sets that the report's studies are tested on; of a pool, its test people's."""
    named = [config["studies"][study]["dataset"] for study in config["report"]["studies"]]
    return list(dict.fromkeys(config["datasets"][name].get("test", name) for name in named))


def image_root(dataset):
    """Folder that a data set's image names are relative to."""
    source = config["datasets"][dataset]
    return source.get("images", source.get("root", f"results/data/{dataset}/images"))


def names_of(*kinds):
    """Data sets of some kinds, as a pattern for a wildcard."""
    named = (name for name, source in config["datasets"].items() if source["kind"] in kinds)
    return "|".join(named) or "none"


def annotations_given(wildcards):
    """The files of annotations that a data set comes with."""
    return [str(path) for path in annotation_files(config["datasets"][wildcards.dataset])]


def given_bodies(wildcards):
    """The body boxes that a data set comes with; the demo world's true ones are for checks alone."""
    world = config["datasets"][wildcards.dataset]["kind"] == "world"
    return [] if world else [f"results/data/{wildcards.dataset}/given-bodies.parquet"]


def released_split(wildcards):
    """The authors' list of labelled people for a share, where there is one."""
    folder = config["split"]["released"]
    name = f"train_annotations_weak_ratio{labelled_share(wildcards) / 100}_use.txt"
    return [f"{folder}/{name}"] if folder and os.path.exists(f"{folder}/{name}") else []


# Recipes


def recipe_of(method, t=None):
    """Recipe of a method as configured: what identifies its labels stands in its name."""
    refine = config["refine"]
    chosen = by_share(refine["timestep"], config["split"]["share"]) if t is None else t
    return str(recipe(method, chosen, refine["steps"], refine["draws"], refine["redraw"]))


def gcdr(t=None):
    """Recipe of the paper's method, at a timestep if one is given."""
    return recipe_of("gcdr", t)


def maps_of(name):
    """The recipe by which maps of test people are made: draws are averaged."""
    return str(averaged(parse_recipe(name)))


def teachers(**wanted):
    """Names of the teachers with these properties, as a pattern for a wildcard."""
    return "|".join(
        name
        for name, teacher in TEACHERS.items()
        if all(getattr(teacher, key) == value for key, value in wanted.items())
    )


# Inputs that decide a result


def script(name):
    return f"workflow/scripts/{name}.py"


def code(name):
    """The package's modules behind a script: an edit reruns its stage, and nothing above it."""
    return [os.path.relpath(path) for path in modules_behind(script(name))]


def as_json(value):
    """Settings as text that does not depend on the order of keys."""
    return json.dumps(value, sort_keys=True)


# Resources

GPU = int(wants_gpu(config["device"]))

# Settings of the stages, by the leaves that decide their result

WHAT = {
    "world": "demo world",
    "gazefollow": "GazeFollow",
    "videoattentiontarget": "VideoAttentionTarget, single images",
    "gazelle": "Gaze-LLE's JSON",
    "folder": "own images",
}
PEOPLE = {"pseudo": "unlabelled", "test": "test"}


def files_in(folder, *names):
    """Files of a model, each an input by itself: a folder's time stamp says nothing of its content."""
    return [f"{folder}/{name}" for name in names]


def vqa_layout():
    """Files and layout of the VQA model as configured."""
    return find_layout(config["prior"]["weights"], planned_files(config["downloads"]))


def vqa_files():
    """The VQA model as jobs read it: as configured, or converted from released weights."""
    prior, layout = config["prior"], vqa_layout()
    if layout.kind in (OURS, BLIP):
        return list(layout.files)
    converted = f"results/weights/{Path(prior['weights']).name}-{prior['released']['image_size']}px"
    return files_in(converted, WEIGHTS, *TEXT)


def detector_files():
    """The detector's weights and sizes."""
    weights, sizes = files_in(config["detect"]["weights"], "model.safetensors", "config.json")
    return {"weights": weights, "sizes": sizes}


def gaze_init(wildcards):
    """What gaze models start from: another study's model, pretrained towers, or nothing."""
    given = config["studies"][wildcards.study].get("init")
    if given:
        return files_in(model_folder(split_of(given["study"]), given["model"]), "model.safetensors")
    return [str(weights_file(config["gaze"]["init"]))] if config["gaze"]["init"] else []


def model_folder(split, method):
    """Folder of a method's model in a study's split."""
    kind = "students" if METHODS[method].student else "teachers"
    return f"{split}/{kind}/{recipe_of(method)}"


def folder_of(files):
    """The folder that a model's files lie in; a checkpoint stands for itself."""
    first = files if isinstance(files, str) else files[0]
    return first if first.endswith(CHECKPOINTS) else os.path.dirname(first)


def map_sizes():
    """How Grad-CAM maps become heatmaps of the gaze model's size."""
    return {
        "layer": config["prior"]["layer"],
        "size": config["heatmap"]["size"],
        "sigma": config["heatmap"]["sigma"],
    }


def map_settings(**more):
    return as_json({**map_sizes(), **more})


def prior_settings(wildcards):
    """What decides a prior store; its name says with which overlay, and for whom."""
    skipped = ("name", "weights", "released", "imported", "layer", "shards", "workers", "failures")
    kept = {key: value for key, value in config["prior"].items() if key not in skipped}
    which = wildcards.which.removeprefix("-of-") or "all"
    return as_json({**kept, "overlay": wildcards.overlay, "which": which})


def shared(wildcards, settings):
    """Settings as text, with what a table gives for the label share of a path."""
    return as_json(by_share(settings, labelled_share(wildcards)))


def gaze_settings(wildcards):
    """Of a student; a supervised teacher has changes to the recipe, and labelled people alone."""
    gaze, student = config["gaze"], hasattr(wildcards, "recipe")
    return {
        "model": gaze["model"],
        "recipe": gaze["recipe"] if student else gaze["recipe"] | gaze["teacher"],
        "labelled_per_batch": gaze["labelled_per_batch"] if student else None,
        "sigma": config["heatmap"]["sigma"],
        "layer": config["prior"]["layer"],
    }


def diffusion_settings():
    diffusion = config["diffusion"]
    names = ("model", "head", "recipe", "timesteps", "schedule")
    return {**{name: diffusion[name] for name in names}, "sigma": config["heatmap"]["sigma"]}


def plain_recipe(base, changes):
    """A recipe with changes, for training that makes no noise draws of its own."""
    return {key: value for key, value in (base | changes).items() if key != "draws"}


def mapping_settings(wildcards):
    features = "towers" if TEACHERS[wildcards.teacher].features else "none"
    changed = plain_recipe(config["diffusion"]["recipe"], config["diffusion"]["mapping"])
    layer = config["prior"]["layer"]
    return diffusion_settings() | {"recipe": changed, "layer": layer, "features": features}


def mean_teacher_settings(wildcards):
    family = TEACHERS[wildcards.teacher].family
    model = config[family]
    taught = dict(model["mean_teacher"])
    settings = {
        "gaze": lambda: {"model": model["model"], "sigma": config["heatmap"]["sigma"]},
        "diffusion": lambda: diffusion_settings() | sampler_settings(),
    }[family]()
    changed = plain_recipe(model["recipe"], taught.pop("recipe"))
    return settings | {"recipe": changed, "mean_teacher": taught}


def mean_teacher_init(wildcards):
    """What its towers start from: as without Mean Teacher."""
    return (
        diffusion_init()
        if TEACHERS[wildcards.teacher].family == "diffusion"
        else gaze_init(wildcards)
    )


def diffusion_init():
    """What the denoiser's towers start from: the study's VAT teacher, a folder or file, or nothing."""
    init = config["diffusion"]["init"]
    return (
        f"{STUDY}/teachers/vat/model.safetensors"
        if init == "vat"
        else (str(weights_file(init)) if init else [])
    )


def label_settings(wildcards):
    """How labels are made; what stands in the path is taken from there."""
    named = parse_recipe(wildcards.recipe)
    method, sampled = named.about, {}
    if method.family == "diffusion":
        sampled = sampler_settings() | named.sampling
    return {**map_sizes(), "teacher": method.family, "gaussian": method.gaussian, **sampled}


def label_teacher(wildcards):
    """Files of the model that makes a recipe's labels, if it takes one."""
    teacher = parse_recipe(wildcards.recipe).about.teacher
    files = files_in(f"{STUDY}/teachers/{teacher}", "model.safetensors", "model.json")
    return expand(files, **wildcards) if teacher else []


def label_prior(wildcards):
    """The prior store, for recipes that see the Grad-CAM map."""
    return prior_of(wildcards) if parse_recipe(wildcards.recipe).about.gradcam else []


def option(name, files):
    """An option of a command with the folder of files, or nothing where there are none."""
    return f"--{name} {folder_of(files)}" if files else ""


def sampler_settings():
    return {
        **{
            name: config["refine"][name]
            for name in ("sampler", "eta", "noise_offset", "last_alpha")
        },
        **{name: config["diffusion"][name] for name in ("timesteps", "schedule")},
    }


def sweep_settings():
    refine = config["refine"]
    return map_settings(
        steps=refine["steps"],
        draws=refine["draws"],
        redraw="mean",
        sweep=config["sweep"]["timesteps"],
        **sampler_settings(),
    )


def what_is(dataset):
    """What kind of data set it is, for people; of a pool, where labels and test people are from."""
    source = config["datasets"][dataset]
    if source["kind"] != "pool":
        return WHAT[source["kind"]]
    return f"{what_is(source['test'])} {source['test']}, labels of {', '.join(source['labelled'])}"


def about(wildcards, recipe, method, kind, t=None):
    """What a metrics file says it is of."""
    return as_json(
        {
            "study": wildcards.study,
            "dataset": what_is(config["studies"][wildcards.study]["dataset"]),
            "share": labelled_share(wildcards),
            "seed": int(wildcards.seed),
            "recipe": recipe,
            "method": method,
            "kind": kind,
            "timestep": t,
        }
    )


# What is wanted


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
    return pages + [f"results/{study}/gallery.html" for study in config["galleries"]]


def model_of(wildcards):
    """Files of the model that a recipe names."""
    method = parse_recipe(wildcards.recipe).about
    kind = "students" if method.student else "teachers"
    files = files_in(f"{STUDY}/{kind}/{{recipe}}", "model.safetensors", "model.json")
    return expand(files, **wildcards)


def model_prior(wildcards):
    """The prior store, for a judged model that itself sees the Grad-CAM map."""
    method = parse_recipe(wildcards.recipe).about
    return prior_of(wildcards) if method.gradcam and not method.student else []


def about_model(wildcards):
    named = parse_recipe(wildcards.recipe)
    kind = "student" if named.about.student else "teacher"
    return about(wildcards, wildcards.recipe, named.method, kind, named.timestep)


TABLES = ["summary.txt", "table1.csv", "table1.md", "sweep.csv", "sweep.md"]


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
            "prior": f"{folder}/priors/{prior_name()}.h5",
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
