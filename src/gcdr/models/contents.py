"""What a file of weights holds, by names and sizes of its tensors, and whether that is what is asked for.

No torch: planning asks, before the first job. That a file holds the right model does not say that every
tensor of it is there; the job that reads it accounts for each.
"""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.base.outlines import Shapes, tensor_shapes
from gcdr.models.description import (
    BLIND,
    DENOISER,
    GAZE360,
    MULTIMAE,
    RESNET,
    SCENE_TOWER,
    TOWERS,
    VIDEO_DENOISER,
    VIT,
    Description,
    Marks,
)
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.sizes import CONVLSTM

OFA, BLIP = "OFA", "BLIP"
MASKS, KEYPOINTS = "Mask R-CNN", "Keypoint R-CNN"

FROZEN = "backbone.model."  # before the names of a backbone in a file of the whole model
INSIDE = "feat_extractor."  # before those of a denoiser's towers

Test = Callable[[Shapes], bool]


def _has(*names: str) -> Test:
    """Whether there is a tensor of each name, or one that begins with it where it ends with a point."""

    def test(shapes: Shapes) -> bool:
        return all(
            any(one.startswith(name) for one in shapes) if name.endswith(".") else name in shapes
            for name in names
        )

    return test


BEFORE: tuple[tuple[str, Test], ...] = (
    (VIDEO_DENOISER, _has("diffusion_model.", CONVLSTM)),
    (DENOISER, _has("diffusion_model.", f"{INSIDE}conv1_scene.weight")),
    (BLIND, _has("diffusion_model.")),
)
AFTER: tuple[tuple[str, Test], ...] = (
    (TOWERS, _has("conv1_scene.weight", "conv1_face.weight")),
    (SCENE_TOWER, _has("conv1_scene.weight")),
    (RESNET, _has("layer1.0.conv3.weight", "layer4.2.conv3.weight")),
    (MULTIMAE, _has("input_adapters.rgb.", "encoder.")),
    (GAZE360, lambda shapes: any("base_head." in name for name in shapes)),
    (VIT, _has("patch_embed.proj.weight", "blocks.")),
    (KEYPOINTS, _has("roi_heads.keypoint_head.")),
    (MASKS, _has("rpn.", "roi_heads.mask_head.")),
    (BLIP, _has("vision_model.", "text_decoder.")),
    (OFA, _has("encoder.embed_tokens.weight", "encoder.embed_images.", "decoder.")),
)
"""What is no gaze model; those stand between the two, the more tensors tell one the earlier. The first whose
test is passed is what tensors are."""


def _gaze_models() -> Iterator[tuple[str, Test]]:
    for kind in sorted(GAZE_MODELS.values(), key=lambda kind: -len(kind.marked_by)):
        if kind.marked_by:
            yield kind.titled(True), _with_prior(kind)
            yield kind.title, _has(*kind.marked_by)
        if kind.prefix:
            yield kind.title, _has(*(kind.prefix + name for name in kind.marked_by))


def _with_prior(kind: Description) -> Test:
    def test(shapes: Shapes) -> bool:
        seen = (marks.items() <= dict(shapes).items() for marks in map(dict, kind.prior_marks))
        return _has(*kind.marked_by)(shapes) and any(seen)

    return test


def known_model(shapes: Shapes) -> str | None:
    """What tensors are, in words; None for tensors that are of no model that this package knows."""
    known = (*BEFORE, *_gaze_models(), *AFTER)
    return next((what for what, test in known if test(shapes)), None)


def what_is(shapes: Shapes) -> str:
    """The same; of unknown ones, how many and the first of their names."""
    named = known_model(shapes)
    if named is None and shapes:
        return f"{len(shapes)} tensors of another model, such as {', '.join(list(shapes)[:2])}"
    return named or "no tensors"


def check_weights(
    path: str | Path, expected: Collection[str], marks: Marks | None = None
) -> Shapes:
    """Check that a file holds one of some models, and of the right size.

    Args:
        path: the file; of one that cannot be told without running it nothing is said.
        expected: one of these titles.
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


def check_first_weights(path: str | Path, kind: str, size: str, depth: bool = False) -> None:
    """Check that a gaze model or a denoiser can start from a file.

    Args:
        path: the file.
        kind: of the model; of one that does not say what tells its weights nothing is said.
        size: one of its sizes.
        depth: of a denoiser, whether its towers see depth, as those of Miao et al.

    Raises:
        InputError: as :func:`check_weights`.
    """
    if kind == DENOISER:
        of_towers = GAZE_MODELS["pdp" if depth else "vat"]
        taken = [*of_towers.titles, *of_towers.starts]
        check_weights(path, taken, of_towers.marks[size])
    elif (about := GAZE_MODELS[kind]).marked_by:
        check_weights(path, [*about.titles, *about.starts], about.marks_of(size))


def check_backbone_file(path: str | Path, kind: str, size: str) -> None:
    """Check that a file holds the frozen backbone of a gaze model, alone or in the whole model.

    Args:
        path: the file.
        kind: of the model, which stands on one.
        size: one of its sizes.

    Raises:
        InputError: as :func:`check_weights`.
    """
    shapes, wanted = tensor_shapes(path), GAZE_MODELS[kind].backbone_of(size)
    if shapes is None or wanted is None:
        return
    inner = {
        name.removeprefix(FROZEN): one for name, one in shapes.items() if name.startswith(FROZEN)
    }
    found = inner or shapes
    check_shapes(path, found, wanted.what, wanted.marks)
    if absent := [name for name in wanted.needed if name not in found]:
        raise InputError(f"{path}: holds {what_is(found)} of another size (no {absent[0]})")
