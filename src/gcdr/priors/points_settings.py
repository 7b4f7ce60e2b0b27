"""How points and boxes of other sources become maps."""

from dataclasses import dataclass
from typing import Literal

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig, setting


@dataclass(frozen=True, kw_only=True)
class PointsTable(JsonConfig):
    """How a table is read."""

    units: Literal["pixels", "normalised"] = setting(
        'Of points and boxes: "pixels", or "normalised" to 0..1 of width and height.', "pixels"
    )
    size: int = setting("Side of the maps in cells.", 64, minimum=4, maximum=1024)
    complete: bool = setting("Whether a table that leaves somebody without a map is refused.", True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("sigma", "blur"):
            if (width := getattr(self, name, 0)) > self.size:
                raise InputError(
                    f"{name}: found {width:g} cells, expected at most {self.size}, the map's side"
                )


@dataclass(frozen=True, kw_only=True)
class PointSettings(PointsTable):
    """How the points of a table are drawn."""

    sigma: float = setting(
        "Standard deviation of a point's Gaussian in cells.", 3.0, minimum=0.25, maximum=1024
    )


@dataclass(frozen=True, kw_only=True)
class BoxSettings(PointsTable):
    """How the boxes of a table are drawn."""

    blur: float = setting(
        "Standard deviation in cells of the Gaussian that boxes are blurred by; 0 for sharp ones.",
        0.0,
        minimum=0,
        maximum=1024,
    )


@dataclass(frozen=True, kw_only=True)
class ShapeSettings(PointSettings, BoxSettings):
    """Of a table of either: whether it has points or boxes is told by its columns."""
