"""The paper authors' precomputed Grad-CAM maps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from gcdr.base.content import content_fault
from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig, setting
from gcdr.base.plain import JsonTable
from gcdr.priors.kinds.kind import FilesPrior, check_layer

COLUMNS = 14
"""Of a GazeFollow text file up to the head box."""


@dataclass(frozen=True)
class Pickles(JsonConfig):
    """Where those of a data set are."""

    pickles: tuple[str, ...] = setting(
        "The authors' pickles of raw maps.", minItems=1, maxItems=1000, items={"format": "path"}
    )
    annotations: tuple[str, ...] = setting(
        "GazeFollow text files that tell whose map is whose.",
        minItems=1,
        maxItems=1000,
        items={"format": "path"},
    )


@dataclass(frozen=True, kw_only=True)
class ReleasedMaps(FilesPrior):
    """Maps that the paper's authors computed with OFA-large: what their two layouts share."""

    SOURCES: ClassVar[str] = "imported"

    layers: tuple[int, ...] = setting(
        "Decoder layers whose maps are stored, counted from 1; the files hold 10, 11 and 12.",
        (10, 11, 12),
        minItems=1,
        uniqueItems=True,
        items={"minimum": 1, "maximum": 100},
        maxItems=100,
    )
    layer: int = setting("Decoder layer whose maps are used.", 11, minimum=1, maximum=100)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_layer(self.layer, self.layers)

    @property
    def used_layer(self) -> int:
        return self.layer

    def made_by(self, overlay: str | None, which: str) -> dict[str, Any]:
        return {"layers": list(self.layers)}

    def entry(self, dataset: str) -> JsonTable:
        return super().entry(dataset) | {
            "layer": self.layers[0]
        }  # which one is used changes no store


@dataclass(frozen=True, kw_only=True)
class PicklesPrior(ReleasedMaps):
    """Those of GazeFollow."""

    KIND: ClassVar[str] = "pickles"
    TITLE: ClassVar[str] = "The paper authors' precomputed Grad-CAM maps."

    imported: dict[str, Pickles] = setting("Where they are, by data set.", minProperties=1)

    def files(self, dataset: str) -> Sequence[tuple[str, str]]:
        source = self.imported[dataset]
        return [
            (f"{self.SOURCES}.{dataset}.{key}", path)
            for key in ("pickles", "annotations")
            for path in getattr(source, key)
        ]

    def fill(self, dataset: str, manifest: Path, out: Path) -> None:
        from gcdr.priors.imported import import_gradcams

        source = self.imported[dataset]
        pickles, annotations = map(Path, source.pickles), map(Path, source.annotations)
        import_gradcams(manifest, list(pickles), list(annotations), self.layers, out)

    def check_file(self, key: str, path: Path, people: Callable[[], Any]) -> None:
        if key.endswith("pickles"):
            if fault := content_fault(path, "maps.pkl"):
                raise InputError(f"{path}: found {fault}, expected a pickle of maps")
            return
        with path.open("rb") as file:
            cells = file.readline(10_000).count(b",") + 1
        if cells < COLUMNS:
            raise InputError(
                f"{path}: found {cells} columns in line 1, expected a GazeFollow text file, which has "
                f"{COLUMNS} or more"
            )
