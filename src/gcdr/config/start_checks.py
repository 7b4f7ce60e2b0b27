"""What is checked of the models that a study starts from or takes ready, beyond the schema."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from gcdr.base.download import planned_files
from gcdr.base.plain import Config
from gcdr.config.asked import DIFFUSION, models_of_studies, pretrained_models, study_starts
from gcdr.config.gaze_checks import unseen_prior
from gcdr.methods import METHODS, TEACHERS
from gcdr.models.kinds import GAZE_MODELS, title_as
from gcdr.models.sizes import weights_file

PRETRAINED = [*TEACHERS, *(name for name, method in METHODS.items() if method.student)]
"""What a study may take ready: a teacher, or the student of a method."""


def start_problems(config: Config) -> list[str]:
    """First weights and pretrained models that are not there, fit nothing, or go in a circle."""
    planned = planned_files(config["downloads"])
    problems = []
    for name in config["studies"]:
        problems += _init_problems(name, config, planned)
        problems += _pretrained_problems(name, config, planned)
    return problems


def _init_problems(name: str, config: Config, planned: Collection[str]) -> list[str]:
    """First weights that are not there, of no gaze model, or of a study that is none or starts here."""
    models, problems = config["gaze"]["models"], []
    init = config["studies"][name].get("init")
    several = isinstance(init, Mapping) and "study" not in init
    for gaze, start in study_starts(config, name).items():
        key = f"studies.{name}.init" + (f".{gaze}" if several else "")
        if gaze not in models and gaze != DIFFUSION:
            if several:
                problems.append(f"{key}: no gaze model {gaze!r}; there are {list(models)}")
        elif not isinstance(start, Mapping):
            file = weights_file(start)
            if not file.is_file() and str(file) not in planned:
                known = "{study: NAME, model: METHOD} takes another study's"
                problems.append(f"{key}: no file {file}; {known}")
        else:
            problems += _earlier_problems(key, start, gaze, config)
            problems += _start_problems(key, start, gaze, config)
    circle = _circle(config, [name])
    return problems + (
        [f"studies.{name}.init: goes in a circle, {' from '.join(circle)}"] if circle else []
    )


def _earlier_problems(key: str, earlier: Config, here: str, config: Config) -> list[str]:
    """Another study's model that no study makes; ``here`` is what takes it, see ``models_of_studies``."""
    studies, models = config["studies"], config["gaze"]["models"]
    method, gaze = earlier["model"], earlier.get("gaze", here)
    if method not in METHODS:
        return [f"{key}.model: found {method!r}, expected one of {', '.join(METHODS)}"]
    if earlier["study"] not in studies:
        return [f"{key}.study: no study {earlier['study']!r}; there are {list(studies)}"]
    if here == DIFFUSION:
        return []
    if gaze not in models:
        return [f"{key}.gaze: no gaze model {gaze!r}; there are {list(models)}"]
    unseen = unseen_prior(config, method, gaze)
    return [f"{key}.model: found {method!r}; {unseen}"] if unseen else []


def _start_problems(key: str, earlier: Config, here: str, config: Config) -> list[str]:
    """Another study's model of a kind that this one cannot start from; what is not there is named before."""
    method, models = earlier["model"], config["gaze"]["models"]
    if here == DIFFUSION:
        if method not in METHODS or METHODS[method].family == "diffusion":
            return []
        expected = "a method whose teacher is a diffusion model, such as gcdr"
        return [f"{key}.model: found {method!r}, expected {expected}"]
    kinds = [models.get(name, {}).get("kind") for name in (here, earlier.get("gaze", here))]
    if not all(kind in GAZE_MODELS for kind in kinds):
        return []
    own, other = (GAZE_MODELS[kind] for kind in kinds)
    if own is other or other.title in own.starts:
        return []
    return [
        f"{key}.gaze: found a {other.title}; a {own.title} starts from {', '.join([own.title, *own.starts])}"
    ]


def _taken_problems(
    key: str, name: str, earlier: Config, gaze: str | None, config: Config
) -> list[str]:
    """Another study's model that is not what it stands for: the teacher, or method's student, ``name``."""
    about, models = METHODS[earlier["model"]], config["gaze"]["models"]
    if gaze is None:
        if about.teacher != name:
            said = f"the teacher {about.teacher}" if about.teacher else "no teacher"
            return [f"{key}.model: found {earlier['model']!r}, which has {said}; expected {name}"]
        if config["diffusion"]["tracks"]:
            return [
                f"{key}: found a denoiser of tracks, which studies.NAME.init can start from alone"
            ]
        return []
    other = models[earlier.get("gaze", gaze)]
    judged = earlier["model"] if about.student else about.teacher
    kinds = models[gaze]["kind"], other["kind"]
    if judged is None or not all(kind in GAZE_MODELS for kind in kinds):
        return []
    expected, found = title_as(name, kinds[0]), title_as(judged, kinds[1])
    sizes = models[gaze]["size"], other["size"]
    if (found, sizes[1]) == (expected, sizes[0]):
        return []
    return [
        f"{key}: found a {found} of size {sizes[1]!r}, expected a {expected} of size {sizes[0]!r}"
    ]


def _circle(config: Config, seen: list[str]) -> list[str]:
    """Studies from the first of ``seen`` to one that stands in the list already; empty if there is none."""
    for _, model in models_of_studies(config, seen[-1]):
        if model["study"] not in config["studies"]:
            continue
        further = [*seen, model["study"]]
        if model["study"] in seen:
            return further
        if found := _circle(config, further):
            return found
    return []


def _pretrained_problems(study: str, config: Config, planned: Collection[str]) -> list[str]:
    """Given models that no method or no gaze model has a use for, or that are not there."""
    pretrained, models = config["studies"][study].get("pretrained", {}), config["gaze"]["models"]
    problems = [
        f"studies.{study}.pretrained: found {name!r}, expected one of {', '.join(PRETRAINED)}"
        for name in pretrained
        if name not in PRETRAINED
    ]
    for (name, gaze), source in pretrained_models(config, study).items():
        if name not in PRETRAINED:
            continue
        several = isinstance(pretrained[name], Mapping) and "study" not in pretrained[name]
        if several and gaze is None:
            problems.append(
                f"studies.{study}.pretrained.{name}: found a table, expected a path; it is of no gaze model"
            )
            continue
        key = f"studies.{study}.pretrained.{name}" + (f".{gaze}" if several else "")
        if gaze is not None and gaze not in models:
            if several:
                problems.append(f"{key}: no gaze model {gaze!r}; there are {list(models)}")
            continue
        kind = None if gaze is None else GAZE_MODELS.get(models[gaze]["kind"])
        if name in TEACHERS and TEACHERS[name].gradcam and kind is not None and not kind.prior:
            problems.append(f"{key}: {kind.title} ({gaze}) sees no prior map")
        if isinstance(source, Mapping):
            found = _earlier_problems(key, source, gaze or DIFFUSION, config)
            problems += found or _taken_problems(key, name, source, gaze, config)
            continue
        if Path(os.path.normpath(source)).is_relative_to(f"results/{study}"):
            problems.append(
                f"{key}: found {source}, which the study itself makes; expected a model from elsewhere, "
                "or of another study"
            )
            continue
        needed = [weights_file(source)]
        if source not in map(str, needed):
            needed.append(Path(source) / "model.json")
        problems += [
            f"{key}: no file {file}"
            for file in needed
            if not file.is_file() and str(file) not in planned
        ]
    return problems
