"""First weights of a model from those of another: VAT, VAT-GC, the denoiser, ResNet-50 of torchvision."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS, read_json
from gcdr.base.tensors import read_tensors
from gcdr.models.checkpoints import COUNTER, check_finite, read_state
from gcdr.models.sizes import CARD_FILE, CONVLSTM, weights_file
from gcdr.models.towers import TOWERS, GazeFeatures
from gcdr.models.weights import warm_start

SCHEDULE = "diffusion."  # buffers that a released denoiser carries
RESNET_UNUSED = ("fc.weight", "fc.bias")
RESNET_NAME = re.compile(r"(conv1|bn1|layer[1-4])\.(.+)")
RESNET_PART = re.compile(r"conv1_|bn1_|layer[1-4]_")


def start_from(model: nn.Module, source: str | Path) -> None:
    """Start a gaze model or a denoiser from the weights of another model; say what was left.

    VAT's weights start VAT, VAT-GC (all but ``attn.weight``) and the denoiser's towers; a denoiser's
    start a denoiser or the towers of a gaze model; an ImageNet ResNet-50 starts both towers but for the
    scene tower's channel of the head mask and the layers that VAT adds. Where the model sees depth and the
    source does not, the channel of depth keeps its random start, and so does ``attn.weight``.

    Args:
        model: a model of this package with initial weights.
        source: folder with ``model.safetensors``, or a ``.pt`` or ``.pth`` file.

    Raises:
        InputError: the file is unreadable, or holds weights of another model or size.
    """
    source = weights_file(source)
    weights = read_state(source)[0] if source.suffix in CHECKPOINTS else read_tensors(source)
    weights = {name: w for name, w in weights.items() if not name.startswith(SCHEDULE)}
    towers = getattr(model, "feat_extractor", model)
    extractor = {
        name.removeprefix("feat_extractor."): value
        for name, value in weights.items()
        if name.startswith("feat_extractor.")
    }
    target: nn.Module = towers
    if "layer1.0.conv1.weight" in weights:
        weights = _resnet_towers(weights, towers, source)
    elif extractor and towers is not model:
        target = model
    elif extractor:
        weights = extractor
    match = warm_start(target, _with_depth(weights, target), str(source))
    if any(name.startswith(CONVLSTM) for name in weights) and hasattr(target, "convlstm_scene"):
        _take_signal(target, source)
    check_finite(target.state_dict(), source)
    random = [name for name in match.missing + match.misfits if not name.endswith(COUNTER)]
    total = len(target.state_dict())
    print(
        f"{source}: {total - len(match.missing) - len(match.misfits)} of {total} tensors start from it"
    )
    if random:
        print(f"keep their random start: {', '.join(random)}")


def _with_depth(weights: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """A scene tower's first weights with the model's own channel of depth, between colours and head mask."""
    own, fitted = model.state_dict(), dict(weights)
    for name, value in weights.items():
        if name.endswith("conv1_scene.weight") and name in own:
            depth = own[name][:, 3:-1]
            if (
                own[name].shape[1] == value.shape[1] + 1 == 5
                and own[name].shape[2:] == value.shape[2:]
            ):
                fitted[name] = torch.cat([value[:, :3], depth, value[:, 3:]], dim=1)
    return fitted


def _take_signal(model: nn.Module, source: Path) -> None:
    """A ConvLSTM's weights are for the signal that they were trained at; a released file's is 1."""
    card = source.with_name(CARD_FILE)
    known = read_json(card) if source.suffix not in CHECKPOINTS and card.exists() else {}
    signal = float(known.get("config", {}).get("signal", 1.0))
    model.config = replace(model.config, signal=signal)
    model.convlstm_scene.signal = signal


def _resnet_towers(
    weights: Mapping[str, Tensor], towers: GazeFeatures, path: Path
) -> dict[str, Tensor]:
    """ResNet-50 under the names of both towers; its input channels are the first three of ours."""
    state, own = {}, towers.state_dict()
    for name, value in weights.items():
        if name in RESNET_UNUSED:
            continue
        if not (parts := RESNET_NAME.fullmatch(name)):
            raise InputError(f"{path}: {name} is no tensor of a ResNet-50")
        for tower in TOWERS:
            state[f"{parts[1]}_{tower}.{parts[2]}"] = value
    stem = "conv1_scene.weight"
    if stem in state and own[stem][:, :3].shape == state[stem].shape:
        state[stem] = torch.cat([state[stem], own[stem][:, 3:]], dim=1)
    needed = [key for key in own if RESNET_PART.match(key) and not key.endswith(COUNTER)]
    if absent := [key for key in needed if key not in state]:
        raise InputError(f"{path}: no weights for {absent[0]}, {len(absent)} missing in all")
    return state
