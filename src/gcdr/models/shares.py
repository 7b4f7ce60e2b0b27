"""What one of several processes computes of a batch, such that all together give what one alone would give.

Inside a share, batch norms take the statistics of the whole batch and random numbers are drawn for all of it;
models know nothing of this. What comes out is put together, so every process has the loss over everybody.
Stock ``SyncBatchNorm`` does not run on a CPU and is another module; dropout it leaves to each process.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode, handle_torch_function, has_torch_function_unary


def rows_of_batch(x: Tensor) -> int:
    """How many rows the batch has that rows (n, ...) are all of, or a share of."""
    if has_torch_function_unary(x):
        return handle_torch_function(rows_of_batch, (x,), x)
    return len(x)


def dropout_along_tracks(
    x: Tensor, p: float, training: bool, order: Callable[[Tensor], Tensor]
) -> Tensor:
    """Dropout of rows (n, ...) that do not stand in the order of the batch.

    Args:
        x, p, training: as of ``torch.nn.functional.dropout``.
        order: from tracks (N,) to the order (N,) in which their rows stand; those of some of the tracks are
            in the same order among themselves.
    """
    if has_torch_function_unary(x):
        return handle_torch_function(dropout_along_tracks, (x,), x, p, training, order)
    return F.dropout(x, p, training)


class Whole:
    """A batch that one process computes alone."""

    def __enter__(self) -> "Whole":
        """Nothing is shared."""
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing was."""

    def of(self, values: Tensor) -> Tensor:
        """See :meth:`Share.of`."""
        return values

    def whole(self, values: Tensor) -> Tensor:
        """See :meth:`Share.whole`."""
        return values


WHOLE = Whole()


class Share(TorchFunctionMode):
    """Some rows of a batch; ``with share:`` models compute them as if they computed the whole.

    All processes must call a model as often, and in the same order.

    Args:
        rows: (n,) int64, n > 0, ascending: which.
        total: rows of the batch, N.
        track: (N,) int64 tracks of the batch, or None.
    """

    def __init__(self, rows: Tensor, total: int, track: Tensor | None) -> None:
        super().__init__()
        self.rows, self.total, self.track = rows, total, track

    def of(self, values: Tensor) -> Tensor:
        """Its rows of values (k*N, ...), k of the batch one after the other."""
        return values.unflatten(0, (-1, self.total))[:, self.rows].flatten(0, 1)

    def whole(self, values: Tensor) -> Tensor:
        """Values (k*N, ...) of the batch from those of its rows (k*n, ...); gradients go to its own alone.

        The loss that is made of them must be the same in all processes.
        """
        return _Gathered.apply(values, self.rows, self.total)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        stands_for = {
            F.batch_norm: batch_norm,
            F.dropout: self._dropout,
            Tensor.bernoulli_: self._bernoulli,
            rows_of_batch: lambda x: self.total,
            dropout_along_tracks: self._dropout_along_tracks,
        }.get(func, func)
        return stands_for(*args, **(kwargs or {}))

    def _dropout(
        self, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Tensor:
        return x * self._mask(x, p)[self.rows] if training else x

    def _dropout_along_tracks(
        self, x: Tensor, p: float, training: bool, order: Callable[[Tensor], Tensor]
    ) -> Tensor:
        if not training:
            return x
        mine = torch.zeros(self.total, dtype=torch.bool, device=x.device)
        mine[self.rows] = True
        every = torch.arange(self.total, device=x.device) if self.track is None else self.track
        return x * self._mask(x, p)[mine[order(every)]]

    def _mask(self, x: Tensor, p: float) -> Tensor:
        """What dropout multiplies the whole batch by; it draws in the order in which x lies in memory."""
        ones = x.new_ones(self.total, *x.shape[1:])
        if x.ndim == 4 and not x.is_contiguous():
            ones = ones.to(memory_format=torch.channels_last)
        return F.dropout(ones, p)

    def _bernoulli(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        drawn = x.new_empty(self.total, *x.shape[1:]).bernoulli_(*args, **kwargs)
        return x.copy_(drawn[self.rows])


class _Gathered(torch.autograd.Function):
    """Rows of all processes: each adds its own to zeros, which is exact."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rows: Tensor, total: int) -> Tensor:
        ctx.rows, ctx.total = rows, total
        mine = values.unflatten(0, (-1, len(rows)))
        every = values.new_zeros(len(mine), total, *values.shape[1:])
        every[:, rows] = mine
        dist.all_reduce(every)
        return every.flatten(0, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient.unflatten(0, (-1, ctx.total))[:, ctx.rows].flatten(0, 1), None, None


def batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """``torch.nn.functional.batch_norm`` with the statistics of the rows of all processes."""
    if not training:
        return F.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    channels = x.shape[1]
    weight = x.new_ones(channels, dtype=torch.float32) if weight is None else weight
    bias = x.new_zeros(channels, dtype=torch.float32) if bias is None else bias
    with torch.no_grad():
        mean, variance, count = _statistics(x)
        for running, now in (
            (running_mean, mean),
            (running_var, variance * (count / (count - 1))),
        ):
            if running is not None:
                running.mul_(1 - momentum).add_(now.to(running), alpha=momentum)
    return _Normalised.apply(x, weight, bias, mean.float(), (variance + eps).rsqrt().float(), count)


def _statistics(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (C,) and biased variance (C,) of the rows of all processes, and of how many values they are.

    The sums are added in float64: of a mean far from 0 little would be left of the variance else.
    """
    others = [0, *range(2, x.ndim)]
    found = torch.var_mean(x.float(), others, correction=0)
    variance, mean = (value.double() for value in found)
    count = mean.new_full((1,), x.numel() // x.shape[1])
    sums = torch.cat([count * mean, count * (variance + mean**2), count])
    dist.all_reduce(sums)
    mean, square = (sums[:-1] / sums[-1]).chunk(2)
    return mean, (square - mean**2).clamp_min(0), sums[-1]


class _Normalised(torch.autograd.Function):
    """(x - mean) * scale * weight + bias by channel, of statistics in which all rows have a part."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        scale: Tensor,
        count: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, scale, count)
        slope = weight * scale
        return (x * _channels(slope, x) + _channels(bias - mean * slope, x)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, scale, count = ctx.saved_tensors
        others, gradient = [0, *range(2, x.ndim)], gradient.float()
        normal = (x - _channels(mean, x)) * _channels(scale, x)
        of_bias, of_weight = gradient.sum(others), (gradient * normal).sum(others)
        means = torch.cat([of_bias, of_weight]).double()
        dist.all_reduce(means)
        of_mean, of_slope = (_channels(part.float(), x) for part in (means / count).chunk(2))
        of_x = (gradient - of_mean - normal * of_slope) * _channels(weight * scale, x)
        return of_x.to(x.dtype), of_weight, of_bias, None, None, None


def _channels(values: Tensor, x: Tensor) -> Tensor:
    """Values (C,) beside x (N, C, ...)."""
    return values.view(-1, *[1] * (x.ndim - 2))
