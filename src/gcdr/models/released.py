"""Checkpoints of others: VAT's and GCDR's released ``.pt`` files, and ResNet-50 of torchvision.

VAT's files hold ``{"model": tensors}``; GCDR's hold ``{"state_dict": tensors, "lr": ..., "train_step":
...}``. A student has VAT's tensors, so has its VAT teacher; VAT-GC differs in the shape of one; the
diffusion teacher carries its noise schedule beside its weights. Every tensor of a file is accounted
for: it fits the model by name and shape, or it is named here.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS, atomic, file_digest, read_json
from gcdr.base.jsonconfig import JsonConfig
from gcdr.base.unpickling import read_torch
from gcdr.models.build import (
    CARD_FILE,
    describe,
    load_model,
    load_weights,
    read_weights,
    save_model,
    warm_start,
)
from gcdr.models.denoiser import Denoiser
from gcdr.models.sizes import DenoiserConfig, VATConfig, weights_file
from gcdr.models.towers import TOWERS, GazeFeatures
from gcdr.models.vat import VAT

RELEASED: dict[str, tuple[type[nn.Module], JsonConfig]] = {
    "VAT": (VAT, VATConfig.paper()),
    "VAT-GC": (VAT, VATConfig.paper(gradcam=True)),
    "diffusion": (Denoiser, DenoiserConfig.paper()),
}
STATE_ENTRIES = ("state_dict", "model")
OTHER_ENTRIES = ("lr", "train_step", "epoch", "optimizer")
COUNTER = "num_batches_tracked"  # absent from files of PyTorch before 0.4.1; nothing reads it
SCHEDULE = "diffusion."
SCHEDULE_BUFFERS = (
    "betas",
    "alphas_cumprod",
    "alphas_cumprod_prev",
    "alphas_cumprod_next",
    "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod",
    "log_one_minus_alphas_cumprod",
    "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod",
    "posterior_variance",
    "posterior_log_variance_clipped",
    "posterior_mean_coef1",
    "posterior_mean_coef2",
)
RESNET_UNUSED = ("fc.weight", "fc.bias")
RESNET_NAME = re.compile(r"(conv1|bn1|layer[1-4])\.(.+)")
RESNET_PART = re.compile(r"conv1_|bn1_|layer[1-4]_")


def read_released(path: str | Path) -> tuple[nn.Module, dict[str, Any]]:
    """A model of the paper's size with the weights of a released file.

    Args:
        path: file by ``torch.save``; the names and shapes in it tell which model it is.

    Returns:
        the model, on the CPU in eval mode, and what the file says besides: ``released`` (VAT, VAT-GC
        or diffusion), ``timesteps`` of a diffusion model, and GCDR's ``lr`` and ``train_step``.

    Raises:
        InputError: the file is absent, truncated, holds code, is of another model, lacks a tensor, has
            one too many or of another shape, or a weight is not finite.
    """
    state, facts = read_state(path)
    name = _recognise(state, path)
    if name == "diffusion":
        state, facts["timesteps"] = _without_schedule(state, path)
    kind, config = RELEASED[name]
    with torch.device("meta"):
        model = kind(config)
    counters = {key: torch.tensor(0) for key in model.state_dict() if key.endswith(COUNTER)}
    model.to_empty(device="cpu")
    load_weights(model, {**counters, **state}, f"{path}, read as {name}")
    _check_finite(model, path)
    return model.eval(), {"released": name, **facts}


def read_state(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors of a checkpoint by name, without the ``module.`` of parallel training, and its numbers.

    Raises:
        InputError: the file is absent, truncated or holds code; it has entries of other names; a
            weight is no plain tensor of floats; or there are two of one name.
    """
    content = read_torch(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: found a {type(content).__name__}, expected tensors by name")
    entry = next((name for name in STATE_ENTRIES if isinstance(content.get(name), Mapping)), None)
    state, numbers = content, {}
    if entry is not None:
        state = content[entry]
        if others := [str(name) for name in content if name not in (entry, *OTHER_ENTRIES)]:
            raise InputError(
                f"{path}: unknown entries {others}, expected {entry!r} {OTHER_ENTRIES}"
            )
        numbers = {k: v for k, v in content.items() if type(v) in (int, float)}
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise InputError(
                f"{path}: entry {name!r} is a {type(value).__name__}, expected tensors by name"
            )
        if not name.endswith(COUNTER) and not value.is_floating_point():
            raise InputError(f"{path}: {name} holds {value.dtype}, expected floats")
        if value.layout != torch.strided or value.device.type != "cpu":
            raise InputError(f"{path}: {name} is a {value.layout} tensor, expected a plain one")
    tensors = {name.removeprefix("module."): value for name, value in state.items()}
    if twice := [name for name in tensors if f"module.{name}" in state and name in state]:
        raise InputError(f"{path}: {twice[0]} is there with and without 'module.' before it")
    return tensors, numbers


def write_released(model: nn.Module, path: str | Path) -> None:
    """Write a model of the paper's size in the layout of GCDR's files, for the authors' code.

    The schedule that a released diffusion file carries is not written; its readers rebuild it.

    Raises:
        InputError: the model has other sizes than any released one.
    """
    if not any(isinstance(model, kind) and model.config == c for kind, c in RELEASED.values()):
        raise InputError(
            f"{path}: the model {describe(model)['config']} has not the paper's sizes, and no released "
            f"layout; expected one of {list(RELEASED)}"
        )
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    with atomic(path) as temporary:
        torch.save({"state_dict": state, "lr": 0.0, "train_step": 0}, temporary)


def convert(source: str | Path, out: str | Path) -> str:
    """A released file to a folder of this package, or, if ``out`` ends with .pt, the way back.

    Returns:
        what was written, in a line.

    Raises:
        InputError: as :func:`read_released`, ``load_model`` and :func:`write_released`.
    """
    if Path(out).suffix in CHECKPOINTS:
        model, what = load_model(source), "released layout"
        write_released(model, out)
    else:
        model, facts = _read_converted(source)
        what = facts["released"]
        save_model(out, model, {"converted": facts})
    count = sum(p.numel() for p in model.parameters())
    return f"{out}: {what}, {count:,} parameters"


def _read_converted(path: str | Path) -> tuple[nn.Module, dict[str, Any]]:
    """As :func:`read_released`, with the file's name and digest among the facts."""
    model, facts = read_released(path)
    return model, {"file": Path(path).name, "sha256": file_digest(path), **facts}


def read_model(source: str | Path) -> tuple[nn.Module, dict[str, Any]]:
    """A model from a released file or a folder of this package, and what its card says beside its sizes.

    Raises:
        InputError: as :func:`read_released` and ``load_model``.
    """
    if Path(source).suffix in CHECKPOINTS:
        model, facts = _read_converted(source)
        return model, {"converted": facts}
    model = load_model(source)
    card = read_json(Path(source) / CARD_FILE)
    sizes = ("format_version", *describe(model))
    return model, {name: value for name, value in card.items() if name not in sizes}


def start_from(model: nn.Module, source: str | Path) -> None:
    """Start a gaze model or a denoiser from the weights of another model; say what was left.

    VAT's weights start VAT, VAT-GC (all but ``attn.weight``) and the denoiser's towers; a denoiser's
    start a denoiser or the towers of a gaze model; an ImageNet ResNet-50 starts both towers but for the
    scene tower's channel of the head mask and the layers that VAT adds.

    Args:
        model: a model of this package with initial weights.
        source: folder with ``model.safetensors``, or a ``.pt`` or ``.pth`` file.

    Raises:
        InputError: the file is unreadable, or holds weights of another model or size.
    """
    source = weights_file(source)
    weights = read_state(source)[0] if source.suffix in CHECKPOINTS else read_weights(source)
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
    elif extractor and isinstance(model, Denoiser):
        target = model
    elif extractor:
        weights = extractor
    match = warm_start(target, weights, str(source))
    _check_finite(target, source)
    kept = [name for name in match.missing + match.misfits if not name.endswith(COUNTER)]
    total = len(target.state_dict())
    print(
        f"{source}: {total - len(match.missing) - len(match.misfits)} of {total} tensors start from it"
    )
    if kept:
        print(f"keep their random start: {', '.join(kept)}")


def _recognise(state: Mapping[str, Tensor], path: str | Path) -> str:
    """Which released model the names belong to."""
    video = any(name.startswith("convlstm") for name in state)
    if "diffusion_model.out.2.weight" in state and not video:
        return "diffusion"
    if "conv1_scene.weight" not in state or video:
        raise InputError(
            f"{path}: found weights of another model ({len(state)} tensors, such as "
            f"{', '.join(list(state)[:3])}); expected one of {list(RELEASED)}"
        )
    wide = RELEASED["VAT-GC"][1].towers.attention_inputs
    attention = state.get("attn.weight")
    return "VAT-GC" if attention is not None and attention.shape[-1:] == (wide,) else "VAT"


def _without_schedule(
    state: Mapping[str, Tensor], path: str | Path
) -> tuple[dict[str, Tensor], int | None]:
    """The weights alone, and T; the schedule's buffers may all be absent."""
    buffers = {n: v for n, v in state.items() if n.startswith(SCHEDULE)}
    known = {SCHEDULE + name for name in SCHEDULE_BUFFERS}
    shapes = {tuple(value.shape) for value in buffers.values()}
    if buffers and (buffers.keys() != known or len(shapes) > 1):
        wrong = sorted(buffers.keys() ^ known) or sorted(map(str, shapes))
        raise InputError(
            f"{path}: the schedule should be the {len(known)} buffers {SCHEDULE}*, all of one length; "
            f"missing, unknown or unequal: {', '.join(wrong)}"
        )
    weights = {name: value for name, value in state.items() if name not in buffers}
    return weights, next(iter(shapes))[0] if buffers else None


def _check_finite(model: nn.Module, path: str | Path) -> None:
    for name, value in model.state_dict().items():
        if not torch.isfinite(value).all():
            raise InputError(f"{path}: {name} holds values that are not finite")


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
