"""Points or boxes that some other source made, as CSV."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from gcdr.base.jsonconfig import setting
from gcdr.priors.kinds.kind import FilesPrior
from gcdr.priors.points_settings import BoxSettings, PointSettings, PointsTable, ShapeSettings


@dataclass(frozen=True, kw_only=True)
class TablePrior(FilesPrior):
    """What points and boxes have in common: a CSV for each data set."""

    SOURCES: ClassVar[str] = "tables"
    SETTINGS: ClassVar[type[PointsTable]]

    tables: dict[str, str] = setting(
        "CSV of each data set: image, whose the row is (sample_id or the head box), x,y or "
        "box_x0,box_y0,box_x1,box_y1, and where known score and label.",
        minProperties=1,
        items={"format": "path"},
    )

    def check_file(self, key: str, path: Path, people: Callable[[], Any]) -> None:
        from gcdr.priors.points_table import check_table  # heavy for plans without such a prior

        check_table(path, people(), self.settings().complete)

    def names_things(self, dataset: str) -> bool:
        from gcdr.priors.points_table import has_labels  # as above

        return dataset in self.tables and has_labels(Path(self.tables[dataset]))

    def fill(self, dataset: str, manifest: Path, out: Path) -> None:
        from gcdr.priors.points import points_prior

        how = ShapeSettings.from_json(self.settings().to_json())
        points_prior(manifest, Path(self.tables[dataset]), out, how)

    def settings(self) -> PointsTable:
        """How a table becomes maps."""
        names = self.SETTINGS.__dataclass_fields__
        return self.SETTINGS(**{name: getattr(self, name) for name in names})

    def made_by(self, overlay: str | None, which: str) -> dict[str, Any]:
        told = self.settings().to_json()
        keys: tuple[str, ...] = ("size", "sigma", "blur")
        shape = {key: told[key] for key in keys if key in told}
        return {"imported": self.KIND, **shape}


@dataclass(frozen=True, kw_only=True)
class PointsPrior(PointSettings, TablePrior):
    """Where people look, as points; each becomes a Gaussian."""

    KIND: ClassVar[str] = "points"
    TITLE: ClassVar[str] = "Points of another source, a CSV for each data set."
    SETTINGS: ClassVar[type[PointsTable]] = PointSettings


@dataclass(frozen=True, kw_only=True)
class BoxesPrior(BoxSettings, TablePrior):
    """What people look at, as boxes; each becomes the cells that it covers."""

    KIND: ClassVar[str] = "boxes"
    TITLE: ClassVar[str] = "Boxes of another source, a CSV for each data set."
    SETTINGS: ClassVar[type[PointsTable]] = BoxSettings
