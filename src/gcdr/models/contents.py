"""What a file of weights holds, by names and sizes of its tensors, and whether that is what is asked for.

No torch: planning asks, before the first job. That a file holds the right model does not say that every
tensor of it is there; the job that reads it accounts for each.
"""

from collections.abc import Callable, Collection
from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.base.outlines import Shapes, tensor_shapes
from gcdr.models.gazelle_config import WORLD, GazelleConfig
from gcdr.models.kinds import BLIND, DENOISER, model_title
from gcdr.models.sizes import DenoiserConfig, TowersConfig, VATConfig

VAT, VAT_GC = model_title("vat", False), model_title("vat", True)
GAZELLE = model_title("gazelle", False)
TOWERS, SCENE_TOWER, RESNET = "towers of VAT", "scene tower", "ResNet-50"
VIT, OFA, BLIP = "vision transformer", "OFA", "BLIP"
MASKS, KEYPOINTS = "Mask R-CNN", "Keypoint R-CNN"
VIDEO, DEEP = "VAT's video model", "VAT that also sees depth"

FROZEN = "backbone.model."  # before the names of a backbone in a file of the whole model
INSIDE = "feat_extractor."  # before those of a denoiser's towers

Marks = dict[str, tuple[int, ...]]
"""Shapes of the tensors that tell one size of a model from another, where a file has them."""

Test = Callable[[Shapes], bool]


def _has(*names: str) -> Test:
    """Whether there is a tensor of each name, or one that begins with it where it ends with a point."""

    def test(shapes: Shapes) -> bool:
        return all(
            any(one.startswith(name) for one in shapes) if name.endswith(".") else name in shapes
            for name in names
        )

    return test


def _sees_prior(shapes: Shapes) -> bool:
    wide = {
        config.attention_inputs for config in (TowersConfig.paper(True), TowersConfig.world(True))
    }
    return shapes.get("attn.weight", (0,))[-1] in wide


KNOWN: tuple[tuple[str, Test], ...] = (
    (VIDEO, lambda shapes: any(name.startswith("convlstm") for name in shapes)),
    (DEEP, lambda shapes: shapes.get("conv1_scene.weight", ())[1:2] == (5,)),  # PDP's
    (DENOISER, _has("diffusion_model.", f"{INSIDE}conv1_scene.weight")),
    (BLIND, _has("diffusion_model.")),
    (
        VAT_GC,
        lambda shapes: _has("conv1_scene.weight", "conv4.weight")(shapes) and _sees_prior(shapes),
    ),
    (VAT, _has("conv1_scene.weight", "conv4.weight")),
    (TOWERS, _has("conv1_scene.weight", "conv1_face.weight")),
    (SCENE_TOWER, _has("conv1_scene.weight")),
    (RESNET, _has("layer1.0.conv3.weight", "layer4.2.conv3.weight")),
    (GAZELLE, _has("head_token.weight", "linear.weight")),
    (VIT, _has("patch_embed.proj.weight", "blocks.")),
    (KEYPOINTS, _has("roi_heads.keypoint_head.")),
    (MASKS, _has("rpn.", "roi_heads.mask_head.")),
    (BLIP, _has("vision_model.", "text_decoder.")),
    (OFA, _has("encoder.embed_tokens.weight", "encoder.embed_images.", "decoder.")),
)
"""The first whose test is passed is what the tensors are."""

NAMES = tuple(name for name, _ in KNOWN)


def what_is(shapes: Shapes) -> str:
    """What tensors are, in words; of unknown ones, how many and the first of their names."""
    named = next((what for what, test in KNOWN if test(shapes)), None)
    if named is None and shapes:
        return f"{len(shapes)} tensors of another model, such as {', '.join(list(shapes)[:2])}"
    return named or "no tensors"


def check_weights(
    path: str | Path, expected: Collection[str], marks: Marks | None = None
) -> Shapes:
    """Check that a file holds one of some models, and of the right size.

    Args:
        path: the file; of one that cannot be told without running it nothing is said.
        expected: names of ``KNOWN``.
        marks: what tells its size.

    Returns:
        its tensors; none where they cannot be told.

    Raises:
        InputError: the file is something else, damaged, or holds another model.
    """
    shapes = tensor_shapes(path)
    if shapes is not None:
        check_shapes(path, shapes, expected, marks or {})
    return shapes or {}


def check_shapes(path: str | Path, shapes: Shapes, expected: Collection[str], marks: Marks) -> None:
    """The same of tensors that are read already."""
    if (found := what_is(shapes)) not in expected:
        wanted = f"{'one of ' * (len(expected) > 1)}{', '.join(expected)}"
        raise InputError(f"{path}: holds {found}, expected {wanted}")
    for name, shape in marks.items():
        if shapes.get(name, shape) != shape:
            raise InputError(
                f"{path}: holds {found} of another size ({name} {list(shapes[name])}, expected {list(shape)})"
            )


def _from_towers(config: DenoiserConfig | VATConfig) -> tuple[list[str], Marks]:
    marks = _tower_marks(config.towers)
    inner = {INSIDE + name: shape for name, shape in marks.items()}
    return [VAT, VAT_GC, TOWERS, DENOISER, RESNET], {**marks, **inner}


def _from_decoder(config: GazelleConfig) -> tuple[list[str], Marks]:
    return [GAZELLE], {"linear.weight": (config.width, config.channels, 1, 1)}


STARTS: dict[str, Callable[[str], tuple[list[str], Marks]]] = {
    "vat": lambda size: _from_towers(getattr(VATConfig, size)()),
    DENOISER: lambda size: _from_towers(getattr(DenoiserConfig, size)()),
    "gazelle": lambda size: _from_decoder(_gazelle(size)),
}
"""What a model of a kind and named size can start from, and what tells the size of that."""


def check_first_weights(path: str | Path, kind: str, size: str) -> None:
    """Check that a gaze model or a denoiser can start from a file.

    Args:
        path: the file.
        kind: of the model; of one that is not in ``STARTS`` nothing is said.
        size: one of its named sizes.

    Raises:
        InputError: as :func:`check_weights`.
    """
    if kind in STARTS:
        check_weights(path, *STARTS[kind](size))


def check_backbone_file(path: str | Path, size: str) -> None:
    """Check that a file holds the frozen backbone of Gaze-LLE at a named size, alone or in the whole model.

    Raises:
        InputError: as :func:`check_weights`.
    """
    shapes = tensor_shapes(path)
    if shapes is None:
        return
    config = _gazelle(size)
    inner = {
        name.removeprefix(FROZEN): one for name, one in shapes.items() if name.startswith(FROZEN)
    }
    world = config.backbone == WORLD
    marks: Marks = {"cls_token": (1, 1, config.channels)}
    if world:
        marks = _tower_marks(TowersConfig.frozen())
    found = inner or shapes
    check_shapes(path, found, [SCENE_TOWER, TOWERS] if world else [VIT], marks)
    halving = (
        "layer3_scene.0.downsample.0.weight"  # of the frozen tower's stride; VAT's have none there
    )
    if world and halving not in found:
        raise InputError(f"{path}: holds {what_is(found)} of another size (no {halving})")


def _gazelle(size: str) -> GazelleConfig:
    return getattr(GazelleConfig, size)()


def _tower_marks(towers: TowersConfig) -> Marks:
    width, kernel = towers.stem_width, towers.stem_kernel
    return {
        "conv1_scene.weight": (width, 4, kernel, kernel),
        "conv1.weight": (width, 3, kernel, kernel),  # ResNet's
    }
