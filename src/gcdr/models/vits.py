"""Vision transformers by timm's names: what their pictures and tokens are like, told without torch."""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

PATCHES = 32  # rows and columns of tokens, as of Gaze-LLE's released models
CELLS = 64  # side of its heatmaps
WIDTHS = {
    "tiny": 192,
    "small": 384,
    "medium": 512,
    "base": 768,
    "large": 1024,
    "so400m": 1152,
    "huge": 1280,
    "giant": 1408,
    "giantopt": 1536,
    "gigantic": 1664,
    "7b": 4096,
}
"""Channels by the word for a size; where a family has others under that word, below."""
OTHER_WIDTHS = (
    ("giant", r"dinov2|tipsv2|lingbot|radio|sapiens2", 1536),
    ("base", r"plus", 896),
)
"""The word, what else stands in such a name, and its channels."""
NAME = re.compile(
    r"(?:vit|deit|deit3|beit|beitv2)_(?P<word>[a-z0-9]+)(?:_plus)?_patch(?P<patch>\d+)_\w+"
)


@dataclass(frozen=True)
class VitSizes:
    """What a name says.

    Attributes:
        patch: side of a patch in pixels.
        channels: of a token.
    """

    patch: int
    channels: int

    @property
    def pixels(self) -> int:
        """Side of the pictures, which have as many patches as those of the released models."""
        return PATCHES * self.patch


def vit_sizes(name: str) -> VitSizes | None:
    """Sizes of a vision transformer; None for what is no name of one whose sizes are known.

    Args:
        name: timm's name, perhaps with the tag of its weights: "vit_small_patch14_reg4_dinov2.lvd142m".
    """
    found = NAME.fullmatch(name.partition(".")[0])
    if found is None or found["word"] not in WIDTHS:
        return None
    others = (
        width
        for word, what, width in OTHER_WIDTHS
        if word == found["word"] and re.search(what, found[0])
    )
    return VitSizes(int(found["patch"]), next(others, WIDTHS[found["word"]]))


def is_timms(name: str) -> bool:
    """Whether timm has a model of a name, with or without a tag.

    timm is not imported, which takes seconds: its models are functions of their names.
    """
    spec = find_spec("timm")
    if spec is None or spec.origin is None:
        return False
    made = f"def {name.partition('.')[0]}("
    return any(made in file.read_text() for file in Path(spec.origin).parent.glob("models/*.py"))
