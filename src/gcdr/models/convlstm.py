"""A convolutional LSTM over tracks of unequal length (Shi et al. 2015), as VAT's video model has it.

Tracks are packed: all frames that come first in their tracks are computed together, then all that come
second, and so on, so that no frame is padded and none sees another track's.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gcdr.models.interface import GazeInputs, TrackMemory
from gcdr.models.shares import dropout_along_tracks

HIDDEN, CELL = "hidden", "cell"
OPEN = 3.0  # bias of a gate that lets 95 % through


@dataclass(frozen=True)
class Packing:
    """N rows of T tracks, step by step.

    Attributes:
        tracks: (T,) int64, longest first.
        order: (N,) the rows in packed order: the first of every track, then the second, ...
        sizes: how many rows each step has; they are of the first so many tracks.
    """

    tracks: Tensor
    order: Tensor
    sizes: list[int]


def pack_tracks(track: Tensor) -> Packing:
    """Pack rows by their tracks (N,) int64; rows of one track stand in the order of time."""
    names, of = torch.unique(track, return_inverse=True)
    lengths = torch.bincount(of, minlength=len(names))
    longest = lengths.argsort(descending=True, stable=True)
    place = longest.argsort()[of]
    together = of.argsort(stable=True)
    began = (lengths.cumsum(0) - lengths)[of[together]]
    step = torch.empty_like(of)
    step[together] = torch.arange(len(of), device=of.device) - began
    order = (step * len(names) + place).argsort()
    return Packing(names[longest], order, torch.bincount(step).tolist())


class ConvLSTM(nn.Module):
    """Layers of convolutional LSTMs with zero padding; the gates stand as input, forget, cell, output.

    Without weights it starts as a layer that hands on what it is given, with one part in twenty of what it
    handed on before, so that a model of single pictures can be extended by it and still see what it saw.
    That holds as far as tanh is straight, hence the ``signal``.

    Args:
        channels: of its input, its memory and its output.
        layers: how many.
        dropout: share of the values between layers that training leaves out.
        signal: factor of its input, by which its output is divided.
        kernel: side of the convolutions in cells (odd).

    Attributes:
        truncate: frames of a track after which what it remembers goes on without its gradient (truncated
            backpropagation through time); None: the gradient goes back to the track's first frame.
    """

    truncate: int | None = None

    def __init__(
        self, channels: int, layers: int, dropout: float, signal: float = 1.0, kernel: int = 3
    ) -> None:
        super().__init__()
        self.channels, self.layers, self.dropout = channels, layers, dropout
        self.signal = signal
        for layer in range(layers):
            for name in (f"ih_l{layer}", f"hh_l{layer}"):
                weight = torch.zeros(4 * channels, channels, kernel, kernel)
                self.register_parameter(f"weight_{name}", nn.Parameter(weight))
                self.register_parameter(f"bias_{name}", nn.Parameter(torch.zeros(4 * channels)))
            self._start(layer)

    @torch.no_grad()
    def _start(self, layer: int) -> None:
        """Open gates, a short memory, and a cell that takes what comes in, as large as it is in the end."""
        i, f, g, o = (slice(k * self.channels, (k + 1) * self.channels) for k in range(4))
        bias = self.get_parameter(f"bias_ih_l{layer}")
        weight = self.get_parameter(f"weight_ih_l{layer}")
        bias[i], bias[o], bias[f] = OPEN, OPEN, -OPEN
        middle = weight.shape[-1] // 2
        # Of frames that are alike the gates leave sigmoid(OPEN).
        weight[g, :, middle, middle] = torch.eye(self.channels) * (1 + math.exp(-OPEN))

    def forward(self, x: Tensor, inputs: GazeInputs) -> tuple[Tensor, TrackMemory]:
        """Features of frames, each with what its track showed before.

        Args:
            x: (N, channels, h, w) features of the people of ``inputs``.
            inputs: whose ``track`` and ``memory`` are read.

        Returns:
            (N, channels, h, w) float32, and the memory after the last frame of each track: ``hidden`` and
            ``cell``, each (T, layers, channels, h, w) float32.
        """
        track = inputs.track
        packing = pack_tracks(torch.arange(len(x), device=x.device) if track is None else track)
        hidden, cell = self._begin(packing.tracks, inputs.memory, x)
        packed, ends = self.signal * x[packing.order], []
        for layer in range(self.layers):
            if layer:
                packed = dropout_along_tracks(
                    packed, self.dropout, self.training, lambda track: pack_tracks(track).order
                )
            packed, *end = self._layer(
                layer, packed, packing.sizes, hidden[:, layer], cell[:, layer]
            )
            ends.append(end)
        after = (torch.stack(states, 1) for states in zip(*ends, strict=True))
        memory = TrackMemory(packing.tracks, dict(zip((HIDDEN, CELL), after, strict=True)))
        return packed[packing.order.argsort()] / self.signal, _carried(memory, inputs.memory)

    def _begin(
        self, tracks: Tensor, memory: TrackMemory | None, x: Tensor
    ) -> tuple[Tensor, Tensor]:
        if memory is None:
            zeros = x.new_zeros(len(tracks), self.layers, *x.shape[1:], dtype=torch.float32)
            return zeros, zeros
        before = memory.of(tracks)
        return before[HIDDEN], before[CELL]

    def _layer(
        self, layer: int, x: Tensor, sizes: list[int], hidden: Tensor, cell: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One layer over packed frames: its outputs, and hidden state and cell of the tracks afterwards."""

        def gates(name: str, value: Tensor) -> Tensor:
            weight = self.get_parameter(f"weight_{name}_l{layer}")
            bias = self.get_parameter(f"bias_{name}_l{layer}")
            return F.conv2d(value, weight, bias, padding="same").float()

        outputs = []
        # Of all frames at once: only the memory must wait.
        for step, seen in enumerate(gates("ih", x).split(sizes)):
            if self.truncate and step and step % self.truncate == 0:
                hidden, cell = hidden.detach(), cell.detach()
            live = len(seen)
            i, f, g, o = (seen + gates("hh", hidden[:live])).chunk(4, dim=1)
            now = f.sigmoid() * cell[:live] + i.sigmoid() * g.tanh()
            outputs.append(o.sigmoid() * now.tanh())
            # Tracks that have ended keep what they had.
            cell = torch.cat([now, cell[live:]])
            hidden = torch.cat([outputs[-1], hidden[live:]])
        return torch.cat(outputs), hidden, cell


def _carried(memory: TrackMemory, before: TrackMemory | None) -> TrackMemory:
    """The memory, and what was remembered of further tracks."""
    if before is None:
        return memory
    others = before.keep(before.track[~torch.isin(before.track, memory.track)])
    tensors = {
        name: torch.cat([value, others.tensors[name]]) for name, value in memory.tensors.items()
    }
    return TrackMemory(torch.cat([memory.track, others.track]), tensors)
