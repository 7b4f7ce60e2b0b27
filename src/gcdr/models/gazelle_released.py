"""Weights of Gaze-LLE and of its backbone from files: released ``.pt`` and ``.pth``, and safetensors.

Every tensor of a file is accounted for. A decoder's file has all tensors but the backbone's; a file of
the whole model has those too, with ``backbone.model.`` before their names.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS, atomic
from gcdr.base.tensors import read_tensors
from gcdr.models.backbone import Backbone
from gcdr.models.checkpoints import check_finite, read_state
from gcdr.models.description import (
    GAZELLE_IN_FRAME,
    SCENE_TOWER,
    TOWERS,
    VIT,
    Description,
    FrozenBackbone,
)
from gcdr.models.gazelle import BACKBONE, INOUT, Gazelle
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.interface import Kind
from gcdr.models.sizes import weights_file
from gcdr.models.weights import Undrawn, load_weights

PREFIX = f"{BACKBONE}.model."
SIZE_TENSOR = "linear.weight"
RELEASED = {768: GazelleConfig.paper, 1024: GazelleConfig.large}
"""Released sizes by the backbone's channels: ViT-B/14 and ViT-L/14."""


def read_gazelle_weights(path: str | Path, backbone: str | Path | None = None) -> Gazelle:
    """A model of a released size: B or L, with or without in-frame head, as the file's tensors say.

    Args:
        path: ``gazelle_dinov2_vitb14.pt``, ``..._vitl14_inout.pt`` and so on, or such a model in whole.
        backbone: ``dinov2_vitb14_pretrain.pth`` or ``dinov2_vitl14_pretrain.pth``; may be left out if
            ``path`` holds the whole model, and must be what that holds.

    Returns:
        the model, on the CPU in eval mode.

    Raises:
        InputError: a file is absent, unreadable or of another model; lacks a tensor, has one too many
            or of another shape; a weight is not finite; no file holds the backbone, or two hold two.
    """
    weights = _read(path)
    config = recognise_gazelle(weights, path)
    whole = any(name.startswith(PREFIX) for name in weights)
    if backbone is None and not whole:
        raise InputError(
            f"{path}: holds a decoder of Gaze-LLE only; give a file of {config.backbone} as well"
        )
    with Undrawn():
        model = Gazelle(config)
    _load_decoder(model, weights, path)
    if whole:
        _load_backbone(model.backbone, weights, path)
    if backbone is not None:
        held = {k: v.clone() for k, v in model.backbone.state_dict().items()} if whole else {}
        _load_backbone(model.backbone, _read(backbone), backbone)
        found = model.backbone.state_dict()
        if differing := [
            name for name, value in held.items() if not torch.equal(value, found[name])
        ]:
            raise InputError(
                f"{path}: holds another backbone than {backbone}, such as {differing[0]}"
            )
    return model.eval()


def recognise_gazelle(weights: Mapping[str, Tensor], where: str | Path) -> GazelleConfig:
    """Which released size a decoder's tensors are of.

    Raises:
        InputError: they are of none.
    """
    shape = list(weights[SIZE_TENSOR].shape) if SIZE_TENSOR in weights else []
    if len(shape) != 4 or shape[1] not in RELEASED:
        found = f"{SIZE_TENSOR} of shape {shape}" if shape else ", ".join(list(weights)[:3])
        raise InputError(
            f"{where}: found {found}, expected a decoder of Gaze-LLE, whose {SIZE_TENSOR} has "
            f"{' or '.join(map(str, RELEASED))} input channels"
        )
    return RELEASED[shape[1]](inout=any(name.startswith(INOUT) for name in weights))


def load_decoder(model: Gazelle, path: str | Path, inout_from_scratch: bool = False) -> None:
    """Load a decoder; the backbone stays as it is, also where the file holds one.

    Args:
        model: of the file's sizes.
        path: ``.pt`` or safetensors.
        inout_from_scratch: the file is of a model without in-frame head, the model has one and keeps
            its weights there: as VideoAttentionTarget is trained from GazeFollow.

    Raises:
        InputError: the file is absent or unreadable, or its tensors are not exactly those expected.
    """
    _load_decoder(model, _read(path), path, inout_from_scratch)


def load_backbone(backbone: Backbone, path: str | Path) -> None:
    """Load a backbone, whose position table is brought to its grid.

    Args:
        backbone: of the file's sizes.
        path: a file of DINOv2's hub, of timm's names or of the whole Gaze-LLE, as ``.pt``, ``.pth`` or
            safetensors; or a folder with ``model.safetensors``, as the demo world's.

    Raises:
        InputError: the file is absent or unreadable, or its tensors are not exactly those expected.
    """
    _load_backbone(backbone, _read(path), path)


def save_decoder(model: Gazelle, path: str | Path) -> None:
    """Write a decoder without its backbone, as safetensors."""
    tensors = {k: v.detach().cpu().contiguous() for k, v in model.decoder_state().items()}
    with atomic(path) as temporary:
        save_file(tensors, temporary)


def released_gazelle(
    state: Mapping[str, Tensor], path: str | Path, backbone: str | Path | None = None
) -> tuple[Gazelle, dict[str, Any]] | None:
    """A whole Gazelle of a file's tensors; None for tensors of another model.

    Raises:
        InputError: the file holds a decoder alone without a backbone, or as :func:`read_gazelle_weights`.
    """
    if SIZE_TENSOR not in state or "head_token.weight" not in state:
        return None
    return read_gazelle_weights(path, backbone), {"released": "Gaze-LLE"}


def _sized(make: Callable[..., GazelleConfig]) -> Callable[..., GazelleConfig]:
    """Sizes, named or of the backbone that is named first; they see no prior map."""

    def sizes(*named: object) -> GazelleConfig:
        *vit, prior = named
        if prior:
            raise InputError("Gaze-LLE: sees no prior map; expected a method without VAT-GC")
        return make(*vit)

    return sizes


def _read(path: str | Path) -> dict[str, Tensor]:
    path = Path(path) if Path(path).is_file() else weights_file(path)
    return read_state(path)[0] if path.suffix in CHECKPOINTS else read_tensors(path)


def _load_decoder(
    model: Gazelle,
    weights: Mapping[str, Tensor],
    path: str | Path,
    inout_from_scratch: bool = False,
) -> None:
    weights = {k: v for k, v in weights.items() if not k.startswith(BACKBONE)}
    own = {k: v for k, v in model.state_dict().items() if k.startswith(BACKBONE)}
    if inout_from_scratch:
        if known := [name for name in weights if name.startswith(INOUT)]:
            raise InputError(
                f"{path}: found {known[0]}, expected no in-frame head, which is to start from scratch"
            )
        own |= {k: v for k, v in model.state_dict().items() if k.startswith(INOUT)}
    load_weights(model, {**weights, **own}, str(path))
    check_finite(model.decoder_state(), path)


def _load_backbone(backbone: Backbone, weights: Mapping[str, Tensor], path: str | Path) -> None:
    whole = {k.removeprefix(PREFIX): v for k, v in weights.items() if k.startswith(PREFIX)}
    weights = backbone.prepared(whole or weights, str(path))
    load_weights(backbone.model, weights, str(path))
    check_finite(backbone.model.state_dict(), path)


DESCRIPTION = Description(
    title="Gaze-LLE",
    sizes={"world": (112, 32), "paper": (448, 64), "large": (448, 64)},
    vits=True,
    marked_by=("head_token.weight", "linear.weight"),
    marks={
        "world": {"linear.weight": (64, 128, 1, 1)},
        "paper": {"linear.weight": (256, 768, 1, 1)},
        "large": {"linear.weight": (256, 1024, 1, 1)},
    },
    backbones={
        "world": FrozenBackbone(
            (SCENE_TOWER, TOWERS),
            {"conv1_scene.weight": (16, 4, 5, 5)},
            ("layer3_scene.0.downsample.0.weight",),  # of its stride; VAT's towers have none there
        ),
        "paper": FrozenBackbone((VIT,), {"cls_token": (1, 1, 768)}),
        "large": FrozenBackbone((VIT,), {"cls_token": (1, 1, 1024)}),
    },
    in_frame_head=GAZELLE_IN_FRAME,
    claims={"paper": "gazelle-vitb14", "large": "gazelle-vitl14"},
    released={
        f"gazelle/gazelle_dinov2_vit{size}14{inout}.pt": (
            f"dinov2-vit{size}14/dinov2_vit{size}14_pretrain.pth"
        )
        for size in ("b", "l")
        for inout in ("", "_inout")
    },
    addresses={
        "gazelle": "https://github.com/fkryan/gazelle/releases/download/v1.0.0",
        "dinov2-vitb14": "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitb14",
        "dinov2-vitl14": "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14",
    },
)

KIND = Kind(
    config=GazelleConfig,
    build=Gazelle,
    sizes={
        "world": _sized(GazelleConfig.world),
        "paper": _sized(GazelleConfig.paper),
        "large": _sized(GazelleConfig.large),
    },
    of_vit=_sized(GazelleConfig.on),
    with_in_frame=lambda config: replace(config, inout=True),
    start=load_decoder,
    load_backbone=lambda model, source: load_backbone(model.backbone, source),
    released=released_gazelle,
)
