"""What of a configuration decides the numbers of its report, for the record beside them."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError
from gcdr.base.plain import Config, JsonTable
from gcdr.config.asked import (
    sees_depth,
    trained_gaze_models,
    used_datasets,
    used_studies,
)
from gcdr.config.weight_checks import weight_uses
from gcdr.datasets.layout import released_list
from gcdr.priors.kinds.registry import named_prior

SECTIONS = ("split", "samples", "heatmap", "depth", "detect", "diffusion", "refine")
NOT_DECIDING = ("weights", "init", "backbone", "released", "shards")
"""Where something lies, which its digest says better, and into how many parts work goes."""


def deciding_settings(config: Config) -> JsonTable:
    """The sections that decide numbers: of studies, gaze models and priors those that the report uses."""
    sections = {name: config[name] for name in SECTIONS}
    sections["split"] = {**config["split"], "list": config["split"]["released"] is not None}
    of_priors = {name: config["priors"][name] for name in _priors(config)}
    of_studies = {name: config["studies"][name] for name in used_studies(config)}
    found = {**sections, "gaze": deciding_gaze(config), "priors": of_priors, "studies": of_studies}
    kept: JsonTable = _without_places(found)
    return kept


def deciding_gaze(config: Config) -> JsonTable:
    """The section of gaze models, with those alone that the report trains or starts from."""
    gaze = config["gaze"]
    used = [gaze["model"], *trained_gaze_models(config)]
    return {**gaze, "models": {name: gaze["models"][name] for name in dict.fromkeys(used)}}


def lists_used(config: Config, shares: Iterable[int | str | None]) -> dict[int, Path]:
    """The authors' lists of who keeps a label, by share, of some shares as far as there are any."""
    found = {}
    for share in shares:
        with suppress(InputError):  # whoever asks for that share is told that there is none
            if isinstance(share, int) and (
                path := released_list(config["split"]["released"], share)
            ):
                found[share] = path
    return found


def weights_used(config: Config) -> dict[str, str]:
    """Files and folders that its models begin from, or see beside pictures, by the key that names them."""
    used = tuple(f"gaze.models.{name}." for name in deciding_gaze(config)["models"])
    found = {
        use.key: use.source
        for use in weight_uses(config)
        if not use.key.startswith("gaze.models.") or use.key.startswith(used)
    }
    if any(sees_depth(config, name) for name in [None, *deciding_gaze(config)["models"]]):
        names = {name for several in used_datasets(config).values() for name in several}
        sources = {name: config["datasets"][name] for name in sorted(names)}
        found |= {
            f"datasets.{name}.depth": source["depth"]
            for name, source in sources.items()
            if "depth" in source
        }
    asked = {name: config["priors"][name].get("weights") for name in _priors(config)}
    return found | {f"priors.{name}.weights": str(path) for name, path in asked.items() if path}


def runs_of(config: Config) -> list[str]:
    """How the names of its jobs' records begin: those of studies and data sets that the report stands on."""
    used = used_datasets(config)
    datasets = {name for names in used.values() for name in names}
    return sorted(
        {f"{study}-labels" for study in used}
        | {f"{name}{end}" for name in datasets for end in "-./"}
        | {f"{name}/" for name in used}
    )


def _without_places(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {
        key: _without_places(one)
        for key, one in value.items()
        if key not in NOT_DECIDING or isinstance(one, Mapping)
    }


def _priors(config: Config) -> list[str]:
    studies = (config["studies"][name] for name in config["report"]["studies"])
    return sorted({named_prior(config, study) for study in studies})
