"""The configuration, checked, and the path scheme. No rules here."""

import json
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import yaml

from gcdr.config.preflight import check_references, check_writable, recipe_problems
from gcdr.config.preflight import prepare_environment, wants_gpu
from gcdr.config.schema import OWN, by_share, pool_name, read_texts, sources_of, study_share
from gcdr.config.schema import validate_config
from gcdr.datasets.layout import annotation_files, picture_names
from gcdr.base.download import planned_files
from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS, text_digest
from gcdr.methods import (
    METHODS,
    NAMES,
    ONLINE,
    PATTERN,
    STORED,
    SUFFIXES,
    TEACHERS,
    averaged,
    parse_recipe,
    parse_teacher,
    pattern,
    pseudo_recipe,
    recipe,
    teacher_name,
)
from gcdr.models.kinds import GAZE_MODELS
from gcdr.settings import learning
from gcdr.models.sizes import backbone_file, weights_file
from gcdr.base.provenance import modules_behind
from gcdr.report.paper_tables import PAPER_TABLES, savings_table
from gcdr.priors.vqa.ofa.layouts import BLIP, OURS, TEXT, WEIGHTS, find_layout
from snakemake.exceptions import WorkflowError

prepare_environment()

try:
    schema = yaml.safe_load(
        Path(workflow.basedir, "workflow/schemas/config.schema.yaml").read_text()
    )
    read_texts(config, schema)
    validate_config(config, schema)
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
TRAINED = f"{STUDY}/{{kind}}/{{name}}"
REPORT = f"results/{config['report']['name']}"
SHARE = rf"(?:\d+|{OWN})(?:-unlabelled\d+)?"


wildcard_constraints:
    dataset="[^/]+",
    prior="[^/]+",
    study="|".join(config["studies"]) or "none",
    share=SHARE,
    seed=r"\d+",
    recipe=PATTERN,
    shard=r"\d+",


def share_of(study):
    """Labelled share of a study in per cent, or OWN where who has a label is labelled."""
    return study_share(config, study)


def split_name(study):
    """Name of a study's label share in paths."""
    share, unlabelled = share_of(study), config["split"]["unlabelled"]
    return f"{share}" if unlabelled is None else f"{share}-unlabelled{unlabelled}"


def split_of(study):
    """Folder of a study's label split."""
    seed = config["studies"][study]["seed"]
    return STUDY.format(study=study, share=split_name(study), seed=seed)


def labelled_share(wildcards):
    """The labelled share in per cent, of a split's name such as 10 or 10-unlabelled50, or OWN."""
    share = wildcards.share.split("-")[0]
    return share if share == OWN else int(share)


def split_arguments(name):
    """Arguments of the split for its name."""
    return f"--share {name.replace('-unlabelled', ' --unlabelled ')}".removeprefix(f"--share {OWN}")


def data(name):
    """A file of the data set that a study is about."""

    def path(wildcards):
        return in_data(config["studies"][wildcards.study]["dataset"], name)

    return path


SAMPLES = data(f"samples-{config['samples']['size']}.h5")


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


def prior_store(name=None):
    """Name of the store of a prior: what recipes carry."""
    return prior_name()


def prior_of_study(study):
    """The prior that a study uses where nothing names another."""
    return config["prior"]["name"]


def prior_file(study, store):
    """A prior store of the data set that a study is about, and with it the shards it is a view of."""
    return in_data(config["studies"][study]["dataset"], f"priors/{store}.h5")


def layer_of(store):
    """Which layer of a prior store is used."""
    return config["prior"]["layer"]


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


def source_of(dataset):
    """A data set as its reader takes it: own images without a table have that of the heads found."""
    source = config["datasets"][dataset]
    found = source["kind"] == "folder" and "table" not in source
    return {**source, "table": in_data(dataset, "heads.csv")} if found else source


def annotations_given(wildcards):
    """The files of annotations that a data set is read from."""
    return [str(path) for path in annotation_files(source_of(wildcards.dataset))]


def given_bodies(wildcards):
    """The body boxes that a data set comes with; the demo world's true ones are for checks alone."""
    world = config["datasets"][wildcards.dataset]["kind"] == "world"
    return [] if world else [f"results/data/{wildcards.dataset}/given-bodies.parquet"]


def released_split(wildcards):
    """The authors' list of labelled people for a share, where there is one."""
    folder, share = config["split"]["released"], labelled_share(wildcards)
    if share == OWN:
        return []
    name = f"train_annotations_weak_ratio{share / 100}_use.txt"
    return [f"{folder}/{name}"] if folder and os.path.exists(f"{folder}/{name}") else []


def released_source(wildcards):
    """Of which data set of a pool the authors' list is."""
    source = config["datasets"][config["studies"][wildcards.study]["dataset"]]
    listed = source["kind"] == "pool" and released_split(wildcards)
    return f"--source {source['labelled'][0]}" if listed else ""


# Recipes


def recipe_of(asked, study=None, t=None):
    """Recipe of a method as a study makes it: what identifies its result stands in its name.

    Args:
        asked: a method's name, or an entry of report.methods.
        study: whose prior is seen where the entry names none.
        t: timestep in place of the configured one.
    """
    entry = asked if isinstance(asked, dict) else {"method": asked}
    refine = config["refine"]
    study = study or next(iter(config["report"]["studies"] or config["studies"]))
    chosen = by_share(refine["timestep"], share_of(study)) if t is None else t
    return recipe(
        entry["method"],
        chosen,
        refine["steps"],
        refine["draws"],
        refine["redraw"],
        prior_store(entry.get("prior") or prior_of_study(study)),
        entry.get("gaze") or config["gaze"]["model"],
    )


def gcdr(study=None, t=None):
    """Recipe of the paper's method, at a timestep if one is given."""
    return recipe_of("gcdr", study, t)


def maps_of(asked):
    """The recipe by which maps of test people are made: draws are averaged."""
    return averaged(asked)


def teachers(**wanted):
    """Names of teachers with these properties, with what they depend on, as a pattern for a wildcard."""
    names = "|".join(
        name
        for name, teacher in TEACHERS.items()
        if all(getattr(teacher, key) == value for key, value in wanted.items())
    )
    return f"(?:{names}){SUFFIXES}"


# Inputs that decide a result


def script(name):
    return f"workflow/scripts/{name}.py"


def code(name):
    """The package's modules behind a script: an edit reruns its stage, and nothing above it."""
    return [os.path.relpath(path) for path in modules_behind(script(name))]


def gaze_code(name):
    """The same with the module of the gaze model that a job trains or asks, and of no other."""

    def files(wildcards):
        kind = config["gaze"]["models"].get(gaze_of(wildcards), {}).get("kind")
        return code(name) + (module_code(GAZE_MODELS[kind].module) if kind else [])

    return files


@cache
def module_code(module):
    """A module of the package and those behind it."""
    file = find_spec(module).origin
    return [os.path.relpath(path) for path in (Path(file), *modules_behind(file))]


def as_json(value):
    """Settings as text that does not depend on the order of keys."""
    return json.dumps(value, sort_keys=True)


# Resources

GPU = int(wants_gpu(config["device"]))
