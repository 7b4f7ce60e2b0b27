"""Checkpoints of others: VAT's, Gaze-LLE's and GCDR's released ``.pt`` files.

VAT's files hold ``{"model": tensors}``; GCDR's hold ``{"state_dict": tensors, "lr": ..., "train_step":
...}``. The diffusion teacher carries its noise schedule beside its weights. Every tensor of a file is
accounted for: it fits the model by name and shape, or it is named here. What belongs to a gaze model is
recognised by its kind (:mod:`gcdr.models.named`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS, atomic, file_digest, read_json
from gcdr.base.jsonconfig import JsonConfig
from gcdr.base.tensors import DIGEST
from gcdr.data.crops import FILM_PADDING, HEAD_PADDING
from gcdr.models.build import CARD_FILE, DENOISERS, describe, load_model, save_model
from gcdr.models.checkpoints import filled, read_state
from gcdr.models.denoiser import Denoiser
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.named import kind_of
from gcdr.models.sizes import CONVLSTM
from gcdr.models.video_denoiser import VideoDenoiser

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


def read_released(
    path: str | Path, backbone: str | Path | None = None
) -> tuple[nn.Module, dict[str, Any]]:
    """A model of the paper's size with the weights of a released file.

    Args:
        path: file by ``torch.save``; the names and shapes in it tell which model it is.
        backbone: file of the frozen backbone of a model that has one, unless ``path`` holds it too.

    Returns:
        the model, on the CPU in eval mode, and what the file says besides: ``released`` (VAT, VAT-GC,
        Video VAT, diffusion, ...), ``timesteps`` of a diffusion model, and GCDR's ``lr`` and ``train_step``.

    Raises:
        InputError: the file is absent, truncated, holds code, is of another model, lacks a tensor, has
            one too many or of another shape, or a weight is not finite.
    """
    state, facts = read_state(path)
    told = sorted(
        GAZE_MODELS, key=lambda name: -len(GAZE_MODELS[name].marked_by)
    )  # as contents tells them
    for reader in (_denoiser, *(kind_of(name).released for name in told)):
        if reader is not None and (found := reader(state, path, backbone)) is not None:
            model, more = found
            return model, more | facts
    titles = [
        "diffusion",
        "video diffusion",
        *(title for kind in GAZE_MODELS.values() for title in kind.titles),
    ]
    raise InputError(
        f"{path}: found weights of another model ({len(state)} tensors, such as "
        f"{', '.join(list(state)[:3])}); expected one of {titles}"
    )


def _denoiser(
    state: Mapping[str, Tensor], path: str | Path, backbone: str | Path | None
) -> tuple[nn.Module, dict[str, Any]] | None:
    """GCDR's diffusion model, of pictures or of tracks, if the tensors are that; it has no backbone."""
    if "diffusion_model.out.2.weight" not in state:
        return None
    weights, timesteps = _without_schedule(state, path)
    follows = any(name.startswith(CONVLSTM) for name in weights)
    kind, name = (VideoDenoiser, "video diffusion") if follows else (Denoiser, "diffusion")
    config = DENOISERS[kind.kind][1].paper()
    model = filled(lambda: kind(config), weights, f"{path}, read as {name}")
    if follows:
        model.head_padding = FILM_PADDING
    return model, {"released": name, "timesteps": timesteps}


def write_released(model: nn.Module, path: str | Path) -> None:
    """Write a model of the paper's size in the layout of GCDR's files, for the authors' code.

    The schedule that a released diffusion file carries is not written; its readers rebuild it.

    Raises:
        InputError: the model has other sizes than any released one.
    """
    if model.kind in DENOISERS:
        sizes = [DENOISERS[model.kind][1].paper()]
    else:
        named, sees = kind_of(model.kind).sizes, GAZE_MODELS[model.kind].prior
        papers = [named[name] for name in named if name.startswith("paper")]
        sizes = [paper(prior) for paper in papers for prior in (False, True)[: 1 + sees]]
    # Released weights of a memory are for what comes as it is (gcdr.models.sizes, signal).
    sizes = [replace(size, signal=1.0) if hasattr(size, "signal") else size for size in sizes]
    own = model.released_config
    # Sizes of the paper's, but for a signal that no weight can stand for.
    signalled = getattr(own, "signal", 1.0) != 1.0 and replace(own, signal=1.0) in sizes
    if model.kind in DENOISERS and signalled:
        raise InputError(
            f"{path}: the model's memory has the signal {model.config.signal}, by which what it puts out is "
            "divided before it is added in the U-Net, where no weight of the released layout could do that; "
            "expected a denoiser that started from released weights of a video denoiser, whose signal is 1"
        )
    if own not in sizes:
        other = _differences(own, sizes)
        found = ", ".join(other[:3]) + (f" and {len(other) - 3} more" if len(other) > 3 else "")
        raise InputError(
            f"{path}: a {model.kind} that has not the paper's sizes, which the readers of the released "
            f"layout build and no others: {found or 'its kind has none'}; expected a model of the paper's"
        )
    usual = FILM_PADDING if model.needs.tracks else HEAD_PADDING
    if model.head_padding != usual:
        print(
            f"{path}: the model learned from head boxes grown by {model.head_padding:.0%} a side, which "
            f"the released layout cannot say: its readers show {usual:.0%}"
        )
    state = {
        name: value.detach().cpu().contiguous() for name, value in model.released_state().items()
    }
    with atomic(path) as temporary, temporary.open("wb") as file:
        torch.save({"state_dict": state, "lr": 0.0, "train_step": 0}, file)


def _differences(config: JsonConfig, sizes: Sequence[JsonConfig]) -> list[str]:
    """In what sizes differ from the most similar of some others, as ``NAME FOUND and not THEIRS``."""
    own = dict(_leaves(config.to_json()))
    lists = [
        [
            f"{name} {own.get(name)} and not {value}"
            for name, value in _leaves(size.to_json())
            if own.get(name) != value
        ]
        for size in sizes
    ]
    return min(lists, key=len, default=[])


def _leaves(sizes: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Sizes by dotted names."""
    for name, value in sizes.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield above + name, value


def convert_released(source: str | Path, out: str | Path) -> str:
    """A released file to a folder of this package, or, if ``out`` ends with .pt, the way back.

    A folder of files of pretraining becomes the model that starts from them
    (``Kind.from_pretraining``).

    Returns:
        what was written, in a line.

    Raises:
        InputError: as :func:`read_released`, ``load_model`` and :func:`write_released`.
    """
    if Path(out).suffix in CHECKPOINTS:
        model, what = load_model(source), "released layout"
        write_released(model, out)
    else:
        model, facts = _started(Path(source)) or _read_converted(source)
        what = facts["released"]
        save_model(out, model, {"converted": facts})
    count = sum(p.numel() for p in model.parameters())
    return f"{out}: {what}, {count:,} parameters"


def _started(folder: Path) -> tuple[nn.Module, dict[str, Any]] | None:
    """A model that starts from files of pretraining in a folder; None where it holds none."""
    if not folder.is_dir():
        return None
    makers = (kind_of(name).from_pretraining for name in GAZE_MODELS)
    return next((made for make in makers if make and (made := make(folder))), None)


def _read_converted(
    path: str | Path, backbone: str | Path | None = None
) -> tuple[nn.Module, dict[str, Any]]:
    """As :func:`read_released`, with the file's name and digest among the facts."""
    model, facts = read_released(path, backbone)
    return model, {"file": Path(path).name, "sha256": file_digest(path), **facts}


def read_model(
    source: str | Path, backbone: str | Path | None = None
) -> tuple[nn.Module, dict[str, Any]]:
    """A model from a released file or a folder of this package, and what its card says beside its sizes.

    Args:
        source: the file or the folder.
        backbone: weights of the frozen backbone of a model that has one; None: those in the file, or those
            that the folder's card names.

    Raises:
        InputError: as :func:`read_released` and ``load_model``.
    """
    if Path(source).suffix in CHECKPOINTS:
        model, facts = _read_converted(source, backbone)
        return model, {"converted": facts}
    model = load_model(source, backbone)
    card = read_json(Path(source) / CARD_FILE)
    sizes = ("format_version", DIGEST, *describe(model))
    return model, {name: value for name, value in card.items() if name not in sizes}


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
