"""Tensors of others' checkpoints: read without running code, and put into a model strictly."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.outlines import STATE_ENTRIES, unwrapped
from gcdr.base.tensor_pickles import holds_objects, is_archive, read_placed
from gcdr.base.unpickling import read_torch
from gcdr.models.weights import Undrawn, load_weights

OTHER_ENTRIES = (
    *("lr", "train_step", "epoch", "step", "global_step", "loss", "best_loss"),
    *("optimizer", "optimizer_state_dict", "scheduler", "scheduler_state_dict", "scaler"),
)
"""What may stand beside them; of these only numbers are kept."""

COUNTER = "num_batches_tracked"  # absent from files of PyTorch before 0.4.1; nothing reads it


def read_state(path: str | Path, alone: bool = False) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors of a checkpoint by name, without what is in ``gcdr.base.outlines.WRAPPERS``, and its numbers.

    Of files that hold objects too, such as Lightning's, the tensors are read and nothing else.

    Args:
        path: the file.
        alone: read so whatever the file holds beside its tensors, as others' trainings leave anything.

    Raises:
        InputError: the file is absent, truncated or holds code; it has entries of other names; a
            weight is no plain tensor of floats; or there are two of one name.
    """
    placed = is_archive(path) and (alone or holds_objects(path))
    content = read_placed(path) if placed else read_torch(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: found a {type(content).__name__}, expected tensors by name")
    entry = next((name for name in STATE_ENTRIES if isinstance(content.get(name), Mapping)), None)
    if entry is None and not any(isinstance(value, Tensor) for value in content.values()):
        raise InputError(
            f"{path}: found the entries {list(content)[:8]}, expected tensors by name, alone or under one of "
            f"{', '.join(STATE_ENTRIES)}"
        )
    state, numbers = content, {}
    if entry is not None:
        state = content[entry]
        if others := [str(name) for name in content if name not in (entry, *OTHER_ENTRIES)]:
            raise InputError(
                f"{path}: unknown entries {others[:8]} beside {entry!r}, expected none but "
                f"{', '.join(OTHER_ENTRIES)}"
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
    tensors: dict[str, Tensor] = {}
    for name, value in state.items():
        bare = unwrapped(name)
        if bare in tensors:
            raise InputError(f"{path}: {bare} is there with and without 'module.' before it")
        tensors[bare] = value
    return tensors, numbers


def filled(build: Callable[[], nn.Module], state: Mapping[str, Tensor], where: str) -> nn.Module:
    """A model whose weights are exactly ``state``, on the CPU in eval mode; no random start is drawn.

    Raises:
        InputError: tensors lack, are unknown, of another shape or not finite.
    """
    with Undrawn():
        model = build()
    counters = {key: torch.tensor(0) for key in model.state_dict() if key.endswith(COUNTER)}
    load_weights(model, {**counters, **state}, where)
    check_finite(model.state_dict(), where)
    return model.eval()


def check_finite(weights: Mapping[str, Tensor], path: str | Path) -> None:
    """Refuse weights that are not finite."""
    for name, value in weights.items():
        # Extremes keep what is not finite, and take a fifth of the time of asking each number.
        if value.numel() and not all(end.isfinite() for end in value.aminmax()):
            raise InputError(f"{path}: {name} holds values that are not finite")
