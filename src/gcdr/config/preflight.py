"""What is checked and set before any work begins, beyond the schema."""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gcdr.base.download import planned_files
from gcdr.base.errors import InputError
from gcdr.config.prior_checks import prior_problems
from gcdr.config.schema import alternatives
from gcdr.methods import METHODS, TEACHERS
from gcdr.models.sizes import weights_file

SUPERVISED = [  # methods that need no people without a label
    name
    for name, method in METHODS.items()
    if not (method.student or TEACHERS[method.teacher].mean_teacher)
]


def check_references(config: Mapping[str, Any]) -> None:
    """Check what a schema cannot: names that point to other names, sizes that must fit, files.

    Args:
        config: a configuration that fits the schema.

    Raises:
        InputError: lists every problem by its dotted path.
    """
    problems = []
    datasets, studies = config["datasets"], config["studies"]
    for name, study in studies.items():
        problems += _source_problems(name, study, datasets, studies)
        if config["split"]["released"] and len(study.get("labelled", [])) > 1:
            problems.append(
                f"studies.{name}.labelled: found {study['labelled']}, expected one data set with "
                "split.released, which names people of one"
            )
        problems += _given_problems(name, study.get("given", {}), config)
        if study.get("teacher", name) not in studies:
            problems.append(
                f"studies.{name}.teacher: no study {study['teacher']!r}; there are {list(studies)}"
            )
    for key, names in (
        ("report.studies", config["report"]["studies"]),
        ("galleries", config["galleries"]),
    ):
        problems += [
            f"{key}: no study {name!r}; there are {list(studies)}"
            for name in names
            if name not in studies
        ]
    for name in config["galleries"]:
        if name in studies and "teacher" not in studies[name]:
            problems.append(
                f"studies.{name}.teacher: missing; a gallery needs a study that teaches"
            )
    refine = config["refine"]
    asked = {"refine.timestep": alternatives(refine["timestep"])}
    asked |= {"sweep.timesteps": config["sweep"]["timesteps"]}
    asked |= {"report.student_timesteps": config["report"]["student_timesteps"]}
    for key, values in asked.items():
        for value in values:
            if not refine["steps"] <= value <= config["diffusion"]["timesteps"]:
                problems.append(
                    f"{key}: found {value}, expected {refine['steps']} (refine.steps) to "
                    f"{config['diffusion']['timesteps']} (diffusion.timesteps)"
                )
    problems += [
        f"report.methods: found {name!r}, expected one of {', '.join(METHODS)}"
        for name in reported_methods(config)
        if name not in METHODS
    ]
    problems += _recipe_problems(config)
    problems += _split_problems(config)
    planned = planned_files(config["downloads"])
    for key, folder in (
        ("detect.weights", config["detect"]["weights"]),
        ("gaze.init", config["gaze"]["init"]),
        ("diffusion.init", config["diffusion"]["init"]),
    ):
        file = None if folder in (None, "vat") else weights_file(folder)
        if file and not file.is_file() and str(file) not in planned:
            problems.append(f"{key}: no file {file}")
    problems += _head_problems(config)
    used = used_studies(config)
    problems += prior_problems(config, used, planned)
    for name in dict.fromkeys(name for sources in used.values() for name in sources):
        source = datasets.get(name, {})
        for key in {"root", "images"} & set(source):
            if not Path(source[key]).is_dir():
                problems.append(f"datasets.{name}.{key}: no folder {source[key]}")
        if "table" in source and not Path(source["table"]).is_file():
            problems.append(f"datasets.{name}.table: no file {source['table']}")
    if problems:
        raise InputError(
            "\n".join([f"configuration: {len(problems)} problem(s)", *(f"  {p}" for p in problems)])
        )


def _head_problems(config: Mapping[str, Any]) -> list[str]:
    """Own images without a table of head boxes, and no detector to find them."""
    asked = [
        name
        for name, source in config["datasets"].items()
        if source["kind"] == "folder" and "table" not in source
    ]
    file = weights_file(config["heads"]["weights"])
    if not asked or file.is_file() or str(file) in planned_files(config["downloads"]):
        return []
    return [
        f"heads.weights: no file {file}, which finds heads where datasets.{asked[0]} has no table"
    ]


def _recipe_problems(config: Mapping[str, Any]) -> list[str]:
    gaze, diffusion = config["gaze"], config["diffusion"]
    recipes = {
        "gaze.recipe": (gaze["recipe"], gaze["labelled_per_batch"]),
        "gaze.teacher": (gaze["recipe"] | gaze["teacher"], None),
        "diffusion.recipe": (diffusion["recipe"], None),
        "diffusion.mapping": (diffusion["recipe"] | diffusion["mapping"], None),
    }
    for name, model in (("gaze", gaze), ("diffusion", diffusion)):
        taught = model["mean_teacher"]
        recipe = model["recipe"] | taught["recipe"]
        recipes[f"{name}.mean_teacher"] = (recipe, taught["labelled_per_batch"])
    problems = []
    for key, (recipe, places) in recipes.items():
        lengths = {name: recipe.get(name) for name in ("steps", "epochs")}
        if sum(value is not None for value in lengths.values()) != 1:
            problems.append(f"{key}: found {lengths}, expected exactly one of them")
        for value in alternatives(places):
            if value is not None and not value < recipe["batch"]:
                problems.append(
                    f"{key.removesuffix('.recipe')}.labelled_per_batch: found {value}, expected less "
                    f"than the batch ({recipe['batch']})"
                )
    return problems


def _split_problems(config: Mapping[str, Any]) -> list[str]:
    """Shares that leave nobody with a label, or nobody without one where methods need such people."""
    problems = []
    share, unlabelled = config["split"]["share"], config["split"]["unlabelled"]
    if share + (unlabelled or 0) > 100:
        problems.append(
            f"split.unlabelled: found {unlabelled}, expected at most {100 - share}, what a labelled share "
            f"of {share} % leaves"
        )
    untaught = [name for name in reported_methods(config) if name not in SUPERVISED]
    for name in config["report"]["studies"] if untaught else []:
        study = config["studies"].get(name, {})
        pool = study.get("unlabelled", [])
        if ("labelled" in study and not pool) or (
            share == 100 and set(pool) <= set(study.get("labelled", []))
        ):
            problems.append(
                f"split.share: {share} leaves study {name} nobody without a label, but report.methods "
                f"asks for {', '.join(untaught)}; expected a smaller share, unlabelled people of another "
                f"data set, or of the methods only {', '.join(SUPERVISED)}"
            )
    for name, study in config["studies"].items():
        chosen = [study["dataset"]] if "dataset" in study else study.get("labelled", [])
        counts = [config["datasets"].get(source, {}).get("train_people", 100) for source in chosen]
        if counts and round(sum(counts) * share / 100) < 1:
            problems.append(
                f"split.share: {share} % of the {sum(counts)} training people of study {name} leaves "
                f"nobody labelled; expected a larger share or more people"
            )
    return problems


def reported_methods(config: Mapping[str, Any]) -> list[str]:
    """Names of the methods of the report; an entry may be a table that says more of one."""
    named = config["report"]["methods"]
    return [method if isinstance(method, str) else method["method"] for method in named]


def used_studies(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """Data sets of the studies that are reported or shown, and of those that they start from."""
    studies = config["studies"]
    names: list[str] = [*config["report"]["studies"], *config["galleries"]]
    used: dict[str, list[str]] = {}
    while names:
        study = studies.get(name := names.pop(), {})
        if name in used or not study:
            continue
        given = (study.get(key, []) for key in ("dataset", "labelled", "unlabelled", "test"))
        used[name] = [one for part in given for one in ([part] if isinstance(part, str) else part)]
        names += [study.get("teacher", name), study.get("init", {}).get("study", name)]
    return used


def _source_problems(
    name: str,
    study: Mapping[str, Any],
    datasets: Mapping[str, Any],
    studies: Mapping[str, Any],
) -> list[str]:
    """What is wrong with where a study takes its people and its first weights from."""
    several = ("labelled", "unlabelled", "test")
    given = [key for key in ("dataset", *several) if key in study]
    if given != ["dataset"] and given != list(several):
        return [
            f"studies.{name}: found {given}, expected dataset, or labelled, unlabelled and test"
        ]
    problems = [
        f"studies.{name}.{key}: no data set {source!r}; there are {list(datasets)}"
        for key in given
        for source in ([study[key]] if isinstance(study[key], str) else study[key])
        if source not in datasets
    ]
    model = study.get("init", {}).get("model", "vat")
    if model not in METHODS:
        problems.append(
            f"studies.{name}.init.model: found {model!r}, expected one of {', '.join(METHODS)}"
        )
    seen, at = [name], study
    while at.get("init") and not problems:
        other = at["init"]["study"]
        if other not in studies:
            problems.append(
                f"studies.{seen[-1]}.init.study: no study {other!r}; there are {list(studies)}"
            )
        elif other in seen:
            problems.append(
                f"studies.{name}.init: goes in a circle, {' from '.join([*seen, other])}"
            )
        else:
            seen.append(other)
            at = studies[other]
    return problems


def _given_problems(study: str, given: Mapping[str, str], config: Mapping[str, Any]) -> list[str]:
    """Given models that no method has a use for, or that are not there."""
    known = [*TEACHERS, *(name for name, method in METHODS.items() if method.student)]
    planned = planned_files(config["downloads"])
    problems = []
    for name, source in given.items():
        if name not in known:
            problems.append(
                f"studies.{study}.given: found {name!r}, expected one of {', '.join(known)}"
            )
        needed = [weights_file(source)]
        if source not in map(str, needed):
            needed.append(Path(source) / "model.json")
        problems += [
            f"studies.{study}.given.{name}: no file {file}"
            for file in needed
            if not file.is_file() and str(file) not in planned
        ]
    return problems


def check_writable(folder: Path) -> None:
    """Check that results can be written, before hours of work and not after.

    Raises:
        InputError: they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{folder}: results cannot be written there ({error.strerror})") from error


def wants_gpu(device: str) -> bool:
    """Whether jobs of a configuration's ``device`` compute on a GPU; found without importing torch."""
    return device.startswith("cuda") or (
        device == "auto" and Path("/proc/driver/nvidia/gpus").is_dir()
    )


def prepare_environment() -> None:
    """Set what the jobs of a workflow inherit; what the user has set stays.

    ``python`` in commands becomes the interpreter that runs now, also if no environment is active. The
    allocator keeps freed memory: small models on a CPU otherwise spend a fifth of their time giving
    pages back to the system and asking for them again.
    """
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"):
        os.environ.setdefault(name, str(4 << 30))
