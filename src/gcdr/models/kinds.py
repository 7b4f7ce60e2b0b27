"""The gaze models by name, and where each is. No torch: planning reads this."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gcdr.base.jsonconfig import JsonConfig
from gcdr.methods import METHODS, TEACHERS


@dataclass(frozen=True)
class Listed:
    """What planning must know of a kind of gaze model.

    Attributes:
        title: as people read it.
        module: holds its ``KIND``, a :class:`gcdr.models.interface.Kind`.
        prior: whether it can be given prior maps, as VAT-GC is.
        frozen: whether it stands on a frozen backbone, whose weights are a file of their own.
        towers: whether the denoiser can start from its scene and head towers.
        depth: whether it needs the depth of each image (``Needs.depth``), which no data set has yet: such a
            kind is refused when the configuration is read.
        sizes: side of its pictures in pixels and of its heatmaps in cells, by named size.
        released: published files below the folder of downloads, each with the file of its backbone.
    """

    title: str
    module: str
    sizes: Mapping[str, tuple[int, int]]
    prior: bool = False
    frozen: bool = False
    towers: bool = False
    depth: bool = False
    released: Mapping[str, str] = field(default_factory=dict)


GAZE_MODELS = {
    "vat": Listed(
        "VAT", "gcdr.models.vat", {"world": (56, 32), "paper": (224, 64)}, prior=True, towers=True
    ),
    "gazelle": Listed(
        "Gaze-LLE",
        "gcdr.models.gazelle_released",
        {"world": (112, 32), "paper": (448, 64), "large": (448, 64)},
        frozen=True,
        released={
            f"gazelle/gazelle_dinov2_vit{size}14{inout}.pt": (
                f"dinov2-vit{size}14/dinov2_vit{size}14_pretrain.pth"
            )
            for size in ("b", "l")
            for inout in ("", "_inout")
        },
    ),
}
"""By the name in the configuration and in ``model.json``."""


@dataclass(frozen=True)
class GazeModelSettings(JsonConfig):
    """Which gaze model.

    Attributes:
        kind: a name of ``GAZE_MODELS``.
        size: one of its named sizes.
        backbone: weights of its frozen backbone, a file or a folder; None for models without one.
    """

    kind: str = "vat"
    size: str = "world"
    backbone: str | None = None


DENOISER, BLIND = "denoiser", "denoiser without towers"
"""What the diffusion models are called, beside the gaze models' titles."""


def model_title(kind: str, prior: bool) -> str:
    """What a gaze model of a kind is called; one that is given prior maps is another model."""
    title = GAZE_MODELS[kind].title
    return f"{title}-GC" if prior else title


def title_as(name: str, kind: str) -> str:
    """What a model must be that takes the place of a teacher or of a method's student.

    Args:
        name: a name of :data:`gcdr.methods.TEACHERS`, or of a method with a student.
        kind: of the gaze model, where it is one.
    """
    if name not in TEACHERS and name in METHODS:  # students see no prior map
        return model_title(kind, False)
    about = TEACHERS[name]
    if about.family == "gaze":
        return model_title(kind, about.gradcam)
    return DENOISER if about.features else BLIND
