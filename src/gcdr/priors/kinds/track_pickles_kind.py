"""The paper authors' precomputed Grad-CAM maps of films, a pickle a track."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from gcdr.base.content import content_fault
from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig, setting
from gcdr.priors.kinds.pickles_kind import ReleasedMaps


@dataclass(frozen=True)
class TrackPickles(JsonConfig):
    """Where those of a data set are."""

    folders: tuple[str, ...] = setting(
        "Folders with the authors' files SHOW/CLIP/TRACK.pkl; a later one goes before earlier ones.",
        minItems=1,
        maxItems=100,
        items={"format": "path"},
    )


@dataclass(frozen=True, kw_only=True)
class TrackPicklesPrior(ReleasedMaps):
    """Those of VideoAttentionTarget."""

    KIND: ClassVar[str] = "track-pickles"
    TITLE: ClassVar[str] = "The paper authors' precomputed Grad-CAM maps of films, a file a track."

    imported: dict[str, TrackPickles] = setting("Where they are, by data set.", minProperties=1)

    def files(self, dataset: str) -> Sequence[tuple[str, str]]:
        key = f"{self.SOURCES}.{dataset}.folders"
        found = []
        for folder in self.imported[dataset].folders:
            files = sorted(Path(folder).glob("*/*/*.pkl"))
            # Without any, the folder itself is named as what is not there.
            found += [(key, str(file)) for file in files or [Path(folder, "SHOW/CLIP/TRACK.pkl")]]
        return found

    def fill(self, dataset: str, manifest: Path, out: Path) -> None:
        from gcdr.priors.imported import import_track_gradcams

        folders = [Path(folder) for folder in self.imported[dataset].folders]
        import_track_gradcams(manifest, folders, self.layers, out)

    def check_file(self, key: str, path: Path, people: Callable[[], Any]) -> None:
        if fault := content_fault(path, "maps.pkl"):
            raise InputError(f"{path}: found {fault}, expected a pickle of maps")
