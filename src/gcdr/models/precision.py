"""Half precision inside a model: its weights, inputs and outputs stay float32."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import nn

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def in_precision(method: Callable[..., Any]) -> Callable[..., Any]:
    """Run a model's method in the precision that ``set_precision`` gave it (autocast)."""

    @wraps(method)
    def run(self: nn.Module, *args: Any, **named: Any) -> Any:
        precision = getattr(self, "precision", torch.float32)
        if precision == torch.float32:
            return method(self, *args, **named)
        with torch.autocast(next(self.parameters()).device.type, precision):
            return method(self, *args, **named)

    return run


def set_precision(model: nn.Module, name: str) -> None:
    """Compute convolutions and matrix products in "fp32" or "bf16"; weights are kept in float32."""
    model.precision = PRECISIONS[name]
