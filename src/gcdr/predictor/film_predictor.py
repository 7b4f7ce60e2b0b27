"""Prediction along a film: from decoded frames and the heads of tracks to where people look, frame by frame.

A film is never held whole: frames come one after the other, are computed in chunks, and of what lies before
a chunk a model that follows tracks keeps its memory alone. A model of single pictures is asked about the same
chunks and keeps nothing.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.data.along_tracks import FORGET
from gcdr.data.asked_pictures import as_boxes, as_depth, as_picture
from gcdr.data.depth_maps import resized_depth
from gcdr.models.inputs import gaze_inputs
from gcdr.models.interface import GazeOutput, TrackMemory
from gcdr.predictor.predictor import (
    BLOCK,
    PICTURES,
    Prediction,
    Predictor,
    pictures_of,
    predictions_of,
)


@dataclass(frozen=True)
class TrackedFrame:
    """A frame of a film and the heads in it.

    Attributes:
        number: its place in the film; frames come in ascending order, and some may lack.
        image: the picture in RGB, an array is (height, width, 3) uint8; sizes may change within a film.
        heads: (n, 4) head boxes x0, y0, x1, y1 in pixels; n may be 0.
        track: (n,) integers, which track each head belongs to, each once.
        depth: (height, width) in [0, 1], 1 nearest, for models that see it; else None.
    """

    number: int
    image: Image.Image | np.ndarray
    heads: np.ndarray
    track: np.ndarray
    depth: np.ndarray | None = None


@dataclass(frozen=True)
class FramePrediction:
    """Where the people of a frame look.

    Attributes:
        number: of the frame.
        track: (n,) int64, as it was given.
        people: of its n people, in their order.
    """

    number: int
    track: np.ndarray
    people: Prediction


def predict_frames(
    predictor: Predictor,
    frames: Iterable[TrackedFrame],
    chunk: int = PICTURES,
    forget: int = FORGET,
    pixels: float = math.inf,
) -> Iterator[FramePrediction]:
    """Where the people of a film look, a frame after the other.

    Neither the length of chunks nor the order of heads within frames changes what is said (but for rounding,
    for a Video VAT whose ``norms`` are "reference", and for a Video PDP, whose windows begin with a chunk).

    Args:
        predictor: what ``gcdr.load`` returns, for a model that sees no prior map.
        frames: of the film, in ascending order; taken a chunk at a time.
        chunk: how many frames are computed together at most; fewer where they hold 64 people.
        forget: a track that was not seen for more than so many frames begins anew when it comes back.
        pixels: how many the frames that are computed together have at most; a frame with more stands alone.

    Yields:
        one for each frame, also for one without people.

    Raises:
        InputError: the model needs prior maps, a frame does not come after the one before it or holds a
            track twice, or as ``Predictor.predict``, naming the frame.
    """
    if predictor.model.needs.prior:
        raise InputError("film: found a model that sees prior maps, expected one that sees none")
    stretches, memory = _Stretches(forget), None
    for shown in _chunks(frames, chunk, pixels):
        stretch = np.concatenate([stretches.of(frame) for frame in shown])
        output = _asked(predictor, shown, stretch, memory)
        if output.memory is not None:
            live = torch.tensor(stretches.live(shown[-1].number), dtype=torch.int64)
            memory = output.memory.keep(live.to(output.memory.track.device))
        told = predictions_of(output, [len(frame.heads) for frame in shown])
        for frame, people in zip(shown, told, strict=True):
            yield FramePrediction(frame.number, frame.track, people)


@dataclass
class _Stretches:
    """Tracks without what was forgotten: a track that comes back late is another one to the model.

    Attributes:
        forget: as in ``predict_frames``.
        seen: of each track that is not forgotten, the number of its stretch and the frame it was last in.
        count: how many stretches there were.
    """

    forget: int
    seen: dict[int, tuple[int, int]] = field(default_factory=dict)
    count: int = 0

    def of(self, frame: TrackedFrame) -> np.ndarray:
        """(n,) int64: the stretches of the people of a frame, which comes after those before."""
        return np.array(
            [self._one(track, frame.number) for track in frame.track.tolist()], np.int64
        )

    def _one(self, track: int, number: int) -> int:
        stretch, last = self.seen.get(track, (-1, number))
        if stretch < 0 or number - last - 1 > self.forget:
            stretch, self.count = self.count, self.count + 1
        self.seen[track] = stretch, number
        return stretch

    def live(self, number: int) -> list[int]:
        """The stretches that may go on after a frame; of the others nothing is kept."""
        self.seen = {k: v for k, v in self.seen.items() if number - v[1] <= self.forget}
        return [stretch for stretch, _ in self.seen.values()]


def _chunks(
    frames: Iterable[TrackedFrame], chunk: int, pixels: float
) -> Iterator[list[TrackedFrame]]:
    """Frames that are computed together, looked at one by one."""
    shown: list[TrackedFrame] = []
    people, held, last = 0, 0, None
    for frame in frames:
        checked = _checked(frame, last)
        assert isinstance(checked.image, Image.Image)  # as which it was checked
        size = checked.image.width * checked.image.height
        if shown and held + size > pixels:
            yield shown
            shown, people, held = [], 0, 0
        shown.append(checked)
        people, held, last = people + len(checked.heads), held + size, checked.number
        if len(shown) >= chunk or people >= BLOCK:
            yield shown
            shown, people, held = [], 0, 0
    if shown:
        yield shown


def _checked(frame: TrackedFrame, last: int | None) -> TrackedFrame:
    where = f"frame {frame.number}"
    if last is not None and frame.number <= last:
        raise InputError(
            f"{where}: found it after frame {last}, expected frames in ascending order"
        )
    image = as_picture(frame.image, where)
    heads = as_boxes(frame.heads, image, where)
    track = np.asarray(frame.track)
    if track.shape != (len(heads),) or (len(heads) and track.dtype.kind not in "iu"):
        raise InputError(
            f"{where}: tracks of {track.dtype} and shape {track.shape}, expected an integer for each of its "
            f"{len(heads)} heads"
        )
    names, counts = np.unique(track, return_counts=True)
    if (counts > 1).any():
        raise InputError(f"{where}: track {names[counts > 1][0]} twice, expected each once")
    return TrackedFrame(frame.number, image, heads, track.astype(np.int64), frame.depth)


@torch.inference_mode()
def _asked(
    predictor: Predictor,
    shown: list[TrackedFrame],
    stretch: np.ndarray,
    memory: TrackMemory | None,
) -> GazeOutput:
    """What the model says of the people of some frames, on the CPU; memory stays where it computes."""
    model, device = predictor.model, predictor.device
    if not len(stretch):
        none = torch.empty(0) if model.tells_in_frame else None
        empty = torch.empty(0, model.map_size, model.map_size)
        return GazeOutput(heatmap=empty, in_frame=none, memory=memory)
    peopled = [frame for frame in shown if len(frame.heads)]
    images = [as_picture(frame.image, f"frame {frame.number}") for frame in peopled]
    heads = [frame.heads for frame in peopled]
    depths = _depths(peopled, images, model.input_size) if model.needs.depth else None
    pictures = pictures_of(images, heads, model, depths)(slice(0, len(stretch)), device)
    track = torch.from_numpy(stretch).to(device)
    output = model(replace(gaze_inputs(pictures, model), track=track, memory=memory))
    told = None if output.in_frame is None else output.in_frame.cpu()
    named = None if output.label_embedding is None else output.label_embedding.cpu()
    return replace(output, heatmap=output.heatmap.cpu(), in_frame=told, label_embedding=named)


def _depths(shown: list[TrackedFrame], images: list[Image.Image], size: int) -> list[np.ndarray]:
    """The depth (size, size) of each frame."""
    return [
        resized_depth(as_depth(frame.depth, image, f"frame {frame.number}"), size)
        for frame, image in zip(shown, images, strict=True)
    ]
