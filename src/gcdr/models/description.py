"""What planning must know of a gaze model, said in the model's own file and read from there without torch.

A model's file says ``DESCRIPTION = Description(...)``. Importing it would import torch, which takes seconds
at every start of Snakemake, so planning evaluates that one expression alone: it may use what this module
defines, and nothing else.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from gcdr.base.jsonconfig import JsonConfig
from gcdr.models.vits import CELLS, vit_sizes

Marks = Mapping[str, tuple[int, ...]]
"""Shapes of the tensors that tell one size of a model from another, where a file has them."""

DENOISER, BLIND = "denoiser", "denoiser without towers"
VIDEO_DENOISER = "video denoiser"
"""What the diffusion models are called, beside the gaze models' titles."""

TOWERS, SCENE_TOWER, RESNET = "towers of VAT", "scene tower", "ResNet-50"
VIT = "vision transformer"
MULTIMAE, GAZE360 = "MultiMAE", "a ResNet-18 of Gaze360"
"""What else gaze models start from or stand on, as :mod:`gcdr.models.contents` tells it."""

VAT_MARKS = {
    size: {
        "conv1_scene.weight": (width, 4, kernel, kernel),
        "feat_extractor.conv1_scene.weight": (width, 4, kernel, kernel),  # of a denoiser
        "conv1.weight": (width, 3, kernel, kernel),  # of ResNet-50
    }
    for size, width, kernel in (("world", 16, 5), ("paper", 64, 7))
}
"""What tells the sizes of weights that VAT's towers, and those of its video model, start from."""

VAT_IN_FRAME = (
    *("compress_conv1_inout.", "compress_bn1_inout.", "compress_conv2_inout."),
    *("compress_bn2_inout.", "fc_inout."),
)
GAZELLE_IN_FRAME = ("inout_token.", "inout_head.")
"""How the names of in/out heads' parameters begin."""

PDP_MARKS = {
    f"{size}{depth}": {
        "bn1_scene.weight": (width,),
        "feat_extractor.bn1_scene.weight": (width,),
        "conv1.weight": (width, 3, kernel, kernel),
    }
    for size, width, kernel in (("world", 16, 5), ("paper", 64, 7))
    for depth in ("", "-nodepth")
}
"""The same of the model of Miao et al., whose first convolution may see depth where that of VAT does not."""


@dataclass(frozen=True)
class FrozenBackbone:
    """What the file of a frozen backbone must hold.

    Attributes:
        what: one of these titles.
        marks: what tells its size.
        needed: tensors that must be there.
    """

    what: tuple[str, ...]
    marks: Marks = field(default_factory=dict)
    needed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Description:
    """A kind of gaze model, for whoever plans.

    Attributes:
        title: as people read it.
        sizes: side of its pictures in pixels and of its heatmaps in cells, by named size.
        marked_by: tensors that tell its weights from other models'; one that ends with a point is the
            beginning of names. Without any, files are looked at by the job alone.
        prefix: what stands before these names in files of others.
        marks: shapes that tell a size, by named size; also of other models' weights that start it.
        prior_marks: shapes that tell weights of a model that sees prior maps, as VAT-GC does, one table or
            another; none for kinds that see none.
        starts: what it can start from beside its own weights.
        backbones: by named size, the frozen backbone that it stands on, in a file of its own; none for kinds
            without.
        towers: whether the denoiser can start from its scene and head towers.
        in_frame_head: how the names of its in/out head's parameters begin; none of kinds that have no such
            head of their own.
        tracks: whether it follows tracks (``Needs.tracks``).
        names: whether it also says what is looked at (``GazeOutput.label_embedding``).
        vits: whether a size may also be the name of a vision transformer of timm, which it stands on then.
        tokens_of: kinds whose tokens it can learn, for methods whose students do.
        options: fields of its sizes that a configuration may set.
        depth: the named sizes that need the depth of each image (``Needs.depth``).
        released: published files below the folder of downloads, each with the file of its backbone.
        claims: by named size, the name under which its published numbers are known (``gcdr verify``).
        addresses: of the folders there, what their files lie below, as in the section ``downloads``.
        module: where it was read.
    """

    title: str
    sizes: Mapping[str, tuple[int, int]]
    marked_by: tuple[str, ...] = ()
    prefix: str = ""
    marks: Mapping[str, Marks] = field(default_factory=dict)
    prior_marks: tuple[Marks, ...] = ()
    starts: tuple[str, ...] = ()
    backbones: Mapping[str, FrozenBackbone] = field(default_factory=dict)
    towers: bool = False
    in_frame_head: tuple[str, ...] = ()
    tracks: bool = False
    names: bool = False
    vits: bool = False
    tokens_of: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    depth: tuple[str, ...] = ()
    released: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    module: str = ""

    @property
    def prior(self) -> bool:
        """Whether it can be given prior maps."""
        return bool(self.prior_marks)

    @property
    def frozen(self) -> bool:
        """Whether it stands on a frozen backbone."""
        return bool(self.backbones)

    def has_size(self, size: str) -> bool:
        """Whether there is a size of that name."""
        return size in self.sizes or (self.vits and vit_sizes(size) is not None)

    def sides(self, size: str) -> tuple[int, int]:
        """Side of pictures in pixels and of heatmaps in cells at a size that there is."""
        if (vit := vit_sizes(size)) is not None and self.vits:
            return vit.pixels, CELLS
        return self.sizes[size]

    def marks_of(self, size: str) -> Marks:
        """What tells weights of a size from others; nothing where none is said."""
        if (vit := vit_sizes(size)) is not None and self.vits:
            return {"linear.weight": (256, vit.channels, 1, 1)}
        return self.marks.get(size, {})

    def backbone_of(self, size: str) -> FrozenBackbone | None:
        """The frozen backbone that a size stands on."""
        if (vit := vit_sizes(size)) is not None and self.vits:
            patches = {"patch_embed.proj.weight": (vit.channels, 3, vit.patch, vit.patch)}
            return FrozenBackbone((VIT,), patches)
        return self.backbones.get(size)

    def titled(self, prior: bool) -> str:
        """What a model is called; one that is given prior maps is another model."""
        return f"{self.title}-GC" if prior else self.title

    @property
    def titles(self) -> tuple[str, ...]:
        """What its models are called."""
        return tuple(self.titled(prior) for prior in (False, True)[: 1 + self.prior])


@dataclass(frozen=True)
class GazeModelSettings(JsonConfig):
    """Which gaze model.

    Attributes:
        kind: a name of :data:`gcdr.models.kinds.GAZE_MODELS`.
        size: one of its sizes (:meth:`Description.has_size`).
        backbone: weights of its frozen backbone, a file or a folder; None for models without one.
        options: fields of its sizes that are otherwise (:attr:`Description.options`).
        depth: "shuffled" where it sees the depth of other pictures; it is known by that in its card.
    """

    kind: str = "vat"
    size: str = "world"
    backbone: str | None = None
    options: dict[str, float | str] = field(default_factory=dict)
    depth: Literal["own", "shuffled"] = "own"


def read_description(module: str) -> Description:
    """The ``DESCRIPTION`` of a gaze model's module, which is not imported.

    Raises:
        ValueError: there is no such module, or it says none, or one that needs more than this module's names.
    """
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ValueError(f"{module}: no such module, expected that of a gaze model")
    for node in ast.parse(Path(spec.origin).read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DESCRIPTION":
            said = compile(ast.Expression(node.value), spec.origin, "eval")
            try:
                return replace(eval(said, dict(globals())), module=module)
            except NameError as error:
                raise ValueError(
                    f"{module}: DESCRIPTION uses {error.name}, expected names of {__name__} alone"
                ) from error
    raise ValueError(f"{module}: says no DESCRIPTION, expected one as {__name__} has it")
