"""Heatmaps of another model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from gcdr.base.jsonconfig import setting
from gcdr.priors.kinds.kind import FilesPrior


@dataclass(frozen=True, kw_only=True)
class MapsPrior(FilesPrior):
    """What another gaze model predicts, or pseudo-labels of another study."""

    KIND: ClassVar[str] = "maps"
    TITLE: ClassVar[str] = "Heatmaps of another model, a label store for each data set."
    SOURCES: ClassVar[str] = "stores"

    stores: dict[str, str] = setting(
        "Label store of each data set (docs/data-formats.md).",
        minProperties=1,
        items={"format": "path"},
    )
    complete: bool = setting("Whether a store that leaves somebody without a map is refused.", True)

    def check_file(self, key: str, path: Path, people: Callable[[], Any]) -> None:
        from gcdr.priors.stored_people import check_store  # heavy for plans without such a prior

        check_store(path, people(), self.complete)

    def fill(self, dataset: str, manifest: Path, out: Path) -> None:
        from gcdr.priors.stored_maps import maps_prior

        maps_prior(manifest, Path(self.stores[dataset]), out, self.complete)
