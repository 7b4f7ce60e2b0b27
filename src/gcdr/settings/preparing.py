"""Settings of the stages before training, from the configuration: what each is told, and nothing else.

No torch: planning builds these. What a prior of a model is told is said by its kind
(:mod:`gcdr.priors.kinds`).
"""

import dataclasses
from typing import TypeVar

from gcdr.base.jsonconfig import JsonConfig
from gcdr.base.plain import Config
from gcdr.data.split import DrawnSplit
from gcdr.data.split_name import CHOSEN, SplitName
from gcdr.detection.choices import DetectSettings, HeadSettings
from gcdr.video.film_settings import FilmSettings
from gcdr.world.dataset import DrawnDepth, ShowSettings, WorldSettings
from gcdr.world.lessons import BackboneRecipe, DetectorRecipe, FrozenRecipe, VQARecipe

SettingsT = TypeVar("SettingsT", bound=JsonConfig)
WORLD_WEIGHTS: dict[str, type[JsonConfig]] = {
    "vqa": VQARecipe,
    "detector": DetectorRecipe,
    "heads": DetectorRecipe,
    "backbone": BackboneRecipe,
    "frozen": FrozenRecipe,
}


def world(config: Config, dataset: str) -> WorldSettings:
    """Of a data set of the demo world."""
    return _part(WorldSettings, config["datasets"][dataset], f"datasets.{dataset}")


def world_show(config: Config, dataset: str) -> ShowSettings:
    """Of a show of the demo world."""
    return _part(ShowSettings, config["datasets"][dataset], f"datasets.{dataset}")


def drawn_depth(config: Config, dataset: str) -> DrawnDepth:
    """Of the depth of a data set of the demo world."""
    noisy = config["depth"]["drawn"] == "noisy"
    if config["datasets"][dataset]["kind"] == "world":
        return DrawnDepth(noisy, stills=world(config, dataset))
    return DrawnDepth(noisy, show=world_show(config, dataset))


def detect_settings(config: Config) -> DetectSettings:
    """Of the detection of bodies."""
    return _part(DetectSettings, config["detect"], "detect")


def heads_settings(config: Config) -> HeadSettings:
    """Of the detection of heads."""
    return _part(HeadSettings, config["heads"], "heads")


def film_settings(config: Config, dataset: str) -> FilmSettings:
    """Of the frames that are taken of a data set's films."""
    return _part(FilmSettings, config["datasets"][dataset], f"datasets.{dataset}")


def split(config: Config, study: str, share: str) -> DrawnSplit:
    """Of a study's label split, whose share is named as in paths (:mod:`gcdr.data.split_name`)."""
    about, named = config["studies"][study], SplitName.parse(share)
    drawn = named.labelled if isinstance(named.labelled, int) else None
    chosen = {"share": drawn, "unlabelled": named.unlabelled}
    kept = {"part": named.part, "adapt": about.get("adapt", False)}
    kept["labels"] = about.get("labels") if named.labelled == CHOSEN else None
    return _part(DrawnSplit, {**config["split"], **chosen, **kept}, "split")


def world_weights(config: Config, name: str) -> JsonConfig:
    """Of weights of the demo world: a key of ``WORLD_WEIGHTS``."""
    return WORLD_WEIGHTS[name].from_json(config["world_weights"][name], f"world_weights.{name}")


def _part(kind: type[SettingsT], section: Config, where: str) -> SettingsT:
    """Settings from those keys of a section that they know."""
    names = {entry.name for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind.from_json({k: v for k, v in section.items() if k in names}, where)
