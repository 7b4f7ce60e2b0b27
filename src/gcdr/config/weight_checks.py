"""What is checked of files of weights before any work begins: that they are there, and what they hold.

Files that are named are looked for: of models, those which what is asked for trains, and all where nothing is
asked for. What is in them is looked at where the studies that are asked for use them, and they are there: of
weights that a job will make or fetch nothing is said. If a target on the command line trains further models,
Snakemake itself says which of their files lack, before a job starts.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError, one_line
from gcdr.base.files import CHECKPOINTS
from gcdr.base.plain import Config
from gcdr.config.asked import (
    DIFFUSION,
    gaze_models_as,
    pretrained_models,
    pretrained_settings,
    study_starts,
    trained_gaze_models,
    trains_towers,
    used_studies,
)
from gcdr.config.detector_checks import detector_uses
from gcdr.config.weight_use import Use
from gcdr.models.contents import check_backbone_file, check_first_weights
from gcdr.models.description import DENOISER
from gcdr.models.kinds import GAZE_MODELS, title_as
from gcdr.models.pretrained_card import check_pretrained
from gcdr.models.sizes import WEIGHTS_FILE, backbone_file, weights_file


def weight_problems(config: Config, planned: Collection[str]) -> list[str]:
    """Weights that are not there, or are those of another model.

    Args:
        config: a configuration that fits the schema.
        planned: files that are not there yet but will be.
    """
    return [line for use in weight_uses(config) for line in _problems(use, planned)]


def _problems(use: Use, planned: Collection[str]) -> Iterator[str]:
    source = Path(use.source)
    if source.is_file() and source not in use.files:
        yield (
            f"{use.key}: found the file {source}, expected a folder with {WEIGHTS_FILE}, or a file that ends "
            f"with {' or '.join(CHECKPOINTS)}"
        )
        return
    absent = [file for file in use.files if not file.is_file()]
    missing = [file for file in absent if str(file) not in planned]
    if missing and not use.quiet:
        yield f"{use.key}: no file {missing[0]}{use.why}"
    for check in () if absent else use.checks:
        try:
            check()
        except InputError as error:
            yield f"{use.key}: {one_line(error)}"


def weight_uses(config: Config) -> Iterator[Use]:
    """Weights that a configuration names."""
    asked = _is_asked(config)
    yield from detector_uses(config)
    yield from _models(config)
    init = config["diffusion"]["init"]
    reached = trains_towers(config) or not asked
    if init is not None and init not in config["gaze"]["models"] and reached:
        file, size = weights_file(init), config["diffusion"]["model"]
        depth = config["diffusion"]["depth"]
        checks = (partial(check_first_weights, file, DENOISER, size, depth),) if asked else ()
        known = ", ".join(config["gaze"]["models"])
        yield Use("diffusion.init", init, (file,), checks, f", nor a gaze model: there are {known}")
    for name in used_studies(config):
        yield from _starts(config, name)
        yield from _pretrained(config, name)


def _is_asked(config: Config) -> bool:
    """Whether the configuration asks for anything by itself; else only targets say what is used."""
    return bool(config["report"]["studies"] or config["galleries"])


def _starts(config: Config, study: str) -> Iterator[Use]:
    """First weights of gaze models in a study; those that are not there are named elsewhere."""
    trained = trained_gaze_models(config)
    for gaze, source in study_starts(config, study).items():
        if isinstance(source, str) and gaze in [*trained, DIFFUSION]:
            file, size = weights_file(source), config["diffusion"]["model"]
            deep = config["diffusion"]["depth"]
            denoiser = partial(check_first_weights, file, DENOISER, size, deep)
            checks = (denoiser if gaze == DIFFUSION else _start(config, file, gaze),)
            yield Use(_key(config, study, "init", gaze), source, (file,), checks, quiet=True)


def _key(config: Config, study: str, key: str, gaze: str | None) -> str:
    """A key of a study, with the gaze model's name where a table has it."""
    value: Any = config["studies"][study]
    for part in key.split("."):
        value = value[part]
    several = isinstance(value, Mapping) and gaze is not None
    return f"studies.{study}.{key}{f'.{gaze}' if several else ''}"


def _models(config: Config) -> Iterator[Use]:
    """First weights and frozen backbones of gaze models that are trained.

    Of first weights no study needs those that each of them replaces by its own.
    """
    trained, asked = trained_gaze_models(config), _is_asked(config)
    starts = [study_starts(config, study) for study in used_studies(config)]
    for name, entry in config["gaze"]["models"].items():
        if asked and name not in trained:
            continue
        replaced = bool(starts) and all(name in own for own in starts)
        if (init := entry.get("init")) and not replaced:
            file = weights_file(init)
            checks = (_start(config, file, name),) if name in trained else ()
            yield Use(f"gaze.models.{name}.init", init, (file,), checks)
        if backbone := entry.get("backbone"):
            file = backbone_file(backbone)
            frozen = name in trained and GAZE_MODELS[entry["kind"]].frozen
            checks = (
                (partial(check_backbone_file, file, entry["kind"], entry["size"]),)
                if frozen
                else ()
            )
            yield Use(f"gaze.models.{name}.backbone", backbone, (file,), checks)


def _start(config: Config, file: Path, name: str) -> Callable[[], object]:
    entry = config["gaze"]["models"][name]
    return partial(check_first_weights, file, entry["kind"], entry["size"])


def _pretrained(config: Config, study: str) -> Iterator[Use]:
    """Models that a study takes ready; those that are not there are named elsewhere."""
    for (name, gaze), source in pretrained_models(config, study).items():
        if not isinstance(source, str) or gaze not in gaze_models_as(config, name):
            continue
        file = weights_file(source)
        files = (file,) if str(file) == source else (file, Path(source) / "model.json")
        settings = pretrained_settings(config, gaze)
        check = partial(check_pretrained, source, title_as(name, settings.kind), settings)
        yield Use(
            _key(config, study, f"pretrained.{name}", gaze), source, files, (check,), quiet=True
        )
