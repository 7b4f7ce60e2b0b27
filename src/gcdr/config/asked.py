"""What a configuration asks for: studies, their data sets, methods and gaze models."""

import os
import re
from collections.abc import Mapping
from typing import Any

from gcdr.base.files import text_digest
from gcdr.base.plain import Config
from gcdr.config.schema import study_share
from gcdr.methods import LABELS_ALONE, METHODS, TEACHERS
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.pretrained_card import PretrainedSettings
from gcdr.models.sizes import WEIGHTS_FILE, backbone_file
from gcdr.variants import ONLINE

DIFFUSION = "diffusion"
"""Beside names of gaze models: what the diffusion teacher starts from in a study."""


def used_studies(config: Config) -> list[str]:
    """Studies that are reported or shown, and those that they start from or are taught by."""
    studies = config["studies"]
    names, used = [*config["report"]["studies"], *config["galleries"]], []
    while names:
        name = names.pop()
        if name in used or name not in studies:
            continue
        used.append(name)
        names += [studies[name].get("teacher", name)]
        names += [model["study"] for _, model in models_of_studies(config, name)]
    return used


def models_of_studies(config: Config, study: str) -> list[tuple[str, Config]]:
    """Models of other studies that a study starts from or takes ready, each with what it is here: the name of
    a gaze model, or ``DIFFUSION``."""
    starts = [*study_starts(config, study).items()]
    taken = [(gaze, model) for (_, gaze), model in pretrained_models(config, study).items()]
    return [
        (name or DIFFUSION, model)
        for name, model in starts + taken
        if isinstance(model, Mapping) and "study" in model
    ]


def study_starts(config: Config, study: str) -> Config:
    """What gaze models start from in a study in place of their own ``init``, by gaze model; that of the
    diffusion teacher stands under ``DIFFUSION``.

    A single value, a path or ``{study, model}``, is that of ``gaze.model`` alone.
    """
    init = config["studies"][study].get("init", {})
    single = isinstance(init, str) or "study" in init
    return {config["gaze"]["model"]: init} if single else init


def pretrained_models(config: Config, study: str) -> dict[tuple[str, str | None], Any]:
    """Models that a study takes ready, by teacher or method, and by gaze model: paths, or another study's as
    ``{study, model}``.

    A single one is that of ``gaze.model``; teachers that are no gaze models have None there.
    """
    given, models = config["studies"][study].get("pretrained", {}), {}
    own = config["gaze"]["model"] if given else None
    for name, source in given.items():
        if name in TEACHERS and TEACHERS[name].family != "gaze":
            models[name, None] = source
        elif isinstance(source, Mapping) and "study" not in source:
            models |= {(name, gaze): model for gaze, model in source.items()}
        else:
            models[name, own] = source
    return models


def used_datasets(config: Config) -> dict[str, list[str]]:
    """Data sets of each study that is reported or shown, and of those that they start from."""
    used = {}
    for name in used_studies(config):
        used[name] = _sources(config, name, "dataset", "labelled", "unlabelled", "test")
    return used


def same_people(config: Config, study: str, other: str) -> bool:
    """Whether another study, or what it starts from, has labels of a data set that this one trains on."""
    own = set(_sources(config, study, "dataset", "labelled", "unlabelled"))
    seen, names = set(), [other]
    while names:
        name = names.pop()
        if name in seen or name not in config["studies"]:
            continue
        seen.add(name)
        if own & set(_sources(config, name, "dataset", "labelled")):
            return True
        names += [model["study"] for _, model in models_of_studies(config, name)]
    return False


def _sources(config: Config, study: str, *keys: str) -> list[str]:
    """The data sets that keys of a study name."""
    parts = (config["studies"][study].get(key, []) for key in keys)
    return [one for part in parts for one in ([part] if isinstance(part, str) else part)]


def reported_methods(config: Config) -> list[str]:
    """Names of the methods of the report; an entry may be a table that says more of one."""
    named = config["report"]["methods"]
    return [method if isinstance(method, str) else method["method"] for method in named]


def method_entries(config: Config) -> list[dict[str, str]]:
    """The methods of the report, each as a table."""
    named = config["report"]["methods"]
    return [{"method": one} if isinstance(one, str) else dict(one) for one in named]


def used_gaze_models(config: Config) -> list[str]:
    """Names of the gaze models that are trained or asked, each once."""
    names = [config["gaze"]["model"]]
    for entry in method_entries(config):
        name = entry.get("gaze", config["gaze"]["model"])
        names.append(name)
        about, other = METHODS.get(entry["method"]), labeller_of(config, name)
        if about is not None and about.teacher_apart and other is not None:
            names.append(other)
    return list(dict.fromkeys(names))


def labeller_of(config: Config, name: str) -> str | None:
    """The gaze model that teaches one in methods whose teacher it cannot be, if the latter names one."""
    return config["gaze"]["models"].get(name, {}).get("labeller")


def diffuses(config: Config) -> bool:
    """Whether what is reported takes a diffusion model: only then refined maps are judged and swept."""
    report = config["report"]
    named = (METHODS[name] for name in reported_methods(config) if name in METHODS)
    asked = report["student_timesteps"] or any(one.family == "diffusion" for one in named)
    return bool(report["studies"] and asked)


def used_shares(config: Config) -> list[int | str]:
    """Label shares of the studies that are used, each once."""
    return list(dict.fromkeys(study_share(config, name) for name in used_studies(config)))


def sees_tokens(config: Config, name: str) -> bool:
    """Whether an entry of gaze.models is shown a frozen backbone's kept tokens in place of pictures."""
    entry = config["gaze"]["models"].get(name, {})
    kind = GAZE_MODELS.get(entry.get("kind"))
    return kind is not None and kind.frozen and bool(entry.get("tokens", True))


def tokens_name(config: Config, name: str) -> str:
    """What the tokens are called that an entry of gaze.models is shown: after its backbone and nothing else.

    The digest tells files of one name apart, and one file at two sizes of pictures.
    """
    entry = config["gaze"]["models"][name]
    file = backbone_file(entry["backbone"])
    stem = file.parent.name if file.name == WEIGHTS_FILE else file.stem
    asked = text_digest(entry["kind"], entry["size"], os.path.normpath(file))
    return f"{re.sub('[^A-Za-z0-9_-]', '-', stem)}-{asked[:6]}"


def tokens_of_backbones(config: Config) -> dict[str, str]:
    """Files of tokens by name, each with an entry of gaze.models that is shown them."""
    models = config["gaze"]["models"]
    return {tokens_name(config, name): name for name in models if sees_tokens(config, name)}


def pretrained_settings(config: Config, gaze: str | None) -> PretrainedSettings:
    """What a pretrained model must agree with.

    Args:
        config: the configuration.
        gaze: the entry of gaze.models that it is one of; None of a diffusion model.
    """
    pixels, cells = config["samples"]["size"], config["heatmap"]["size"]
    about, kind = {}, None
    if gaze is not None:
        about = config["gaze"]["models"][gaze]
        kind = about["kind"]
        pixels, cells = GAZE_MODELS[kind].sides(about["size"])
    noise = {key: config["diffusion"][key] for key in ("timesteps", "schedule")}
    return PretrainedSettings(pixels, cells, kind, **noise, backbone=about.get("backbone"))


def sees_depth(config: Config, name: str | None) -> bool:
    """Whether an entry of gaze.models, or without a name the denoiser, sees the depth of pictures."""
    if name is None:
        return bool(config["diffusion"]["depth"])
    entry = config["gaze"]["models"].get(name, {})
    kind = GAZE_MODELS.get(entry.get("kind"))
    return kind is not None and entry["size"] in kind.depth


def sees_shuffled(config: Config, name: str | None) -> bool:
    """Whether it sees the depth of other pictures in place of their own."""
    return sees_depth(config, name) and (
        name is not None and config["gaze"]["models"][name].get("depth") == "shuffled"
    )


def depth_shown(config: Config, name: str | None) -> str:
    """What its picture cache's name begins with: "deep-", "shuffled-", or nothing where it sees no depth."""
    if not sees_depth(config, name):
        return ""
    return "shuffled-" if sees_shuffled(config, name) else "deep-"


def labelled_online(config: Config) -> list[str]:
    """Gaze models of students whose labels a diffusion model makes in the training batch, which both see."""
    if config["refine"]["redraw"] != ONLINE:
        return []
    own = config["gaze"]["model"]
    entries = [entry for entry in method_entries(config) if entry["method"] in METHODS]
    diffused = [
        entry.get("gaze", own)
        for entry in entries
        if METHODS[entry["method"]].family == "diffusion" and METHODS[entry["method"]].student
    ]
    return list(dict.fromkeys(diffused))


def trained_gaze_models(config: Config) -> list[str]:
    """Names of the gaze models that what is asked for trains, of kinds and sizes that there are."""
    names = []
    for entry in _entries(config) + _earlier_entries(config):
        about = METHODS[entry["method"]]
        if entry["gaze"] != DIFFUSION and (about.student or about.labels_by_gaze):
            names += [entry["gaze"], _labeller(config, entry)]
    if trains_towers(config):  # which may start from a gaze model's teacher
        names.append(config["diffusion"]["init"])
    return [name for name in dict.fromkeys(names) if _is_there(config, name)]


def trains_towers(config: Config) -> bool:
    """Whether what is asked for trains a model whose towers start from ``diffusion.init``: a diffusion model,
    or one that maps a prior's map to a label at once."""
    entries = _entries(config) + _earlier_entries(config)
    return any(METHODS[entry["method"]].family in ("diffusion", "mapping") for entry in entries)


def gaze_models_as(config: Config, name: str) -> list[str | None]:
    """Gaze models of which what is asked for has a certain teacher, or a student of a certain method.

    Args:
        config: a configuration that fits the schema.
        name: of the teacher or of the method.

    Returns:
        names of ``gaze.models``; None once where a teacher is of no gaze model; nothing where no method
        has it.
    """
    teacher, names = TEACHERS.get(name), []
    diffused = diffuses(config) or bool(config["galleries"])
    for entry in _entries(config) + _earlier_entries(config):
        if entry["method"] == name:
            names.append(entry["gaze"])
        if METHODS[entry["method"]].teacher == name:
            names.append(_labeller(config, entry) or entry["gaze"])
    if teacher is not None and teacher.family != "gaze":
        return [None] if names or (name == "diffusion" and diffused) else []
    towers = name == LABELS_ALONE and trains_towers(config)
    names += [config["diffusion"]["init"]] if towers else []
    return [gaze for gaze in dict.fromkeys(names) if _is_there(config, gaze)]


def _entries(config: Config) -> list[dict[str, str]]:
    """The methods that are trained or judged, each with its gaze model."""
    entries = method_entries(config) if config["report"]["studies"] else []
    further = config["galleries"] or (entries and config["report"]["student_timesteps"])
    entries += [{"method": "gcdr"}] if further else []
    own = {"gaze": config["gaze"]["model"]}
    return [own | entry for entry in entries if entry["method"] in METHODS]


def _earlier_entries(config: Config) -> list[dict[str, str]]:
    """The methods by which studies make what others start from or take, each with its gaze model, or with
    ``DIFFUSION`` where its diffusion model alone is taken."""
    earlier = [one for study in used_studies(config) for one in models_of_studies(config, study)]
    return [
        {
            "method": model["model"],
            "gaze": DIFFUSION if gaze == DIFFUSION else model.get("gaze", gaze),
        }
        for gaze, model in earlier
        if model["model"] in METHODS
    ]


def _labeller(config: Config, entry: Mapping[str, str]) -> str | None:
    """The gaze model that makes an entry's labels in place of its own, if there is one."""
    about = METHODS[entry["method"]]
    return labeller_of(config, entry["gaze"]) if about.teacher_apart else None


def _is_there(config: Config, name: str | None) -> bool:
    """Whether gaze.models has an entry of a name, of a kind and size that there are."""
    entry = config["gaze"]["models"].get(name, {})
    kind = GAZE_MODELS.get(entry.get("kind"))
    return kind is not None and kind.has_size(entry["size"])
