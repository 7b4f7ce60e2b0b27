"""Heatmaps of another model."""

from dataclasses import dataclass
from typing import ClassVar

from gcdr.base.jsonconfig import setting
from gcdr.priors.kinds.kind import PriorKind


@dataclass(frozen=True, kw_only=True)
class MapsPrior(PriorKind):
    """What another gaze model predicts, or pseudo-labels of another study."""

    KIND: ClassVar[str] = "maps"
    TITLE: ClassVar[str] = "Heatmaps of another model, a label store for each data set."
    SOURCES: ClassVar[str] = "stores"

    stores: dict[str, str] = setting(
        "Label store of each data set (docs/data-formats.md).",
        minProperties=1,
        items={"format": "path"},
    )
