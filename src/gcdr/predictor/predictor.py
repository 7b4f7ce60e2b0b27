"""Prediction: from people in pictures to heatmaps, points, and in or out of the frame.

``gcdr.load("results/.../students/...").predict(images, heads)`` needs no cache, no workflow and no
manifest. Labelling, evaluation and galleries take the same way, from a picture cache.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS
from gcdr.data.along_tracks import ABREAST
from gcdr.data.asked_pictures import as_boxes, as_depth, as_picture
from gcdr.data.cache import Pictures
from gcdr.data.crops import HEAD_MARGIN, grow, head_of, head_pixels, scene_of
from gcdr.data.depth_maps import resized_depth
from gcdr.data.heatmaps import minmax, peak_points, resize
from gcdr.data.prior_maps import MapsOfPeople
from gcdr.data.tokens import Cache
from gcdr.models.build import load_model
from gcdr.models.folding import ready
from gcdr.models.inputs import cached_inputs, gaze_inputs, squared_inputs
from gcdr.models.interface import GazeInputs, GazeModel, GazeOutput, SeesPeople, TrackMemory
from gcdr.models.released import read_released
from gcdr.models.weights import Undrawn

BLOCK = 64
"""People computed together, always the same ones, so that a result never depends on a batch; of a model with
one costly pass an image (``Needs.per``) so many at least, and all of an image's."""

PICTURES = 16  # held in memory at a time

Part = TypeVar("Part", bound=slice | np.ndarray)


@dataclass(frozen=True)
class Prediction:
    """What a gaze model says of the n people of a picture.

    Attributes:
        points: (n, 2) float32, where they look, x and y in 0..1 of width and height.
        heatmap: (n, H, W) float32, stretched to [0, 1]; a map without a peak is zero.
        in_frame: (n,) float32, probability that the target is inside the picture; None where the model
            does not tell.
        label_embedding: (n, D) float32 of unit length, what they look at in the space of a text tower
            (:mod:`gcdr.data.label_space`); None where the model does not tell.
    """

    points: np.ndarray
    heatmap: np.ndarray
    in_frame: np.ndarray | None
    label_embedding: np.ndarray | None = None


class PictureAsked(NamedTuple):
    """A picture that is asked about.

    Attributes:
        picture: in RGB.
        boxes: (n, 4) head boxes in pixels.
        prior: (n, G, G) prior maps, or None.
        depth: (S, S) as a picture cache holds it, or None.
    """

    picture: Image.Image
    boxes: np.ndarray
    prior: np.ndarray | None
    depth: np.ndarray | None


class Predictor:
    """A gaze model that is ready to be asked.

    Args:
        model: any gaze model.
        device: where to compute.
    """

    def __init__(self, model: GazeModel, device: torch.device) -> None:
        self.model = ready(model, device)
        self.device = device

    def predict(
        self,
        images: Iterable[Image.Image | np.ndarray],
        heads: Iterable[Sequence[Sequence[float]] | np.ndarray],
        priors: Iterable[np.ndarray] | None = None,
        depths: Iterable[np.ndarray] | None = None,
    ) -> list[Prediction]:
        """Where people look.

        Args:
            images: pictures, in RGB; an array is (height, width, 3) uint8.
            heads: of each picture the head boxes (n, 4) x0, y0, x1, y1 in pixels; n may be 0.
            priors: of each picture prior maps (n, G, G), for models that see one (VAT-GC); they are
                stretched to [0, 1].
            depths: of each picture its depth (height, width) in [0, 1], 1 nearest, for models that see it
                (PDP); :func:`gcdr.data.depth_maps.open_depth` reads one from a file.

        Returns:
            one prediction a picture, in their order.

        Raises:
            InputError: names the picture whose head boxes are of another shape, empty, not finite or
                outside it, or that lacks a prior map or depth the model needs; or that pictures and lists of
                heads differ in number.
        """
        predictions: list[Prediction] = []
        block: list[PictureAsked] = []
        shown, boxed = list(images), list(heads)
        maps = [None] * len(shown) if priors is None else list(priors)
        deep = [None] * len(shown) if depths is None else list(depths)
        if not len(shown) == len(boxed) == len(maps) == len(deep):
            raise InputError(
                f"predict: found {len(shown)} pictures and head boxes of {len(boxed)}"
                f"{'' if priors is None else f', prior maps of {len(maps)}'}"
                f"{'' if depths is None else f', depth of {len(deep)}'}; expected as many"
            )
        each = zip(shown, boxed, maps, deep, strict=True)
        for number, (image, boxes, prior, depth) in enumerate(each):
            picture = as_picture(image, f"picture {number}")
            found = as_boxes(boxes, picture, f"picture {number}")
            told = self._prior(prior, len(found), number), self._depth(depth, picture, number)
            block.append(PictureAsked(picture, found, *told))
            if len(block) == PICTURES:
                predictions += self._of_block(block)
                block = []
        return predictions + (self._of_block(block) if block else [])

    def of_people(
        self, samples: Cache, sample_id: np.ndarray, prior: np.ndarray | None
    ) -> GazeOutput:
        """What the model says of people of a picture cache, in fixed blocks; along tracks, where it follows
        them and the people are in films.

        Args:
            samples: the picture cache, or that of the tokens of the model's backbone.
            sample_id: (N,) ascending.
            prior: (N, G, G) prior maps in [0, 1] for a model that needs them, else None.

        Returns:
            heatmaps (N, H, W) float32, as the model puts them out, and the in/out logits (N,) and label
            embeddings (N, D) if it has any, on the CPU.
        """
        blocks = people_blocks(self.model, samples, sample_id, self.device, prior)
        return self._run(len(sample_id), blocks)

    @torch.inference_mode()
    def outputs(
        self, blocks: Iterable[tuple[Part, GazeInputs]], memory: TrackMemory | None = None
    ) -> Iterator[tuple[Part, GazeOutput]]:
        """What the model says of each block, with its memory of the one before (``memory`` at first)."""
        for part, inputs in blocks:
            output = self.model(inputs.after(memory))
            memory = output.memory
            yield part, output

    @torch.inference_mode()
    def _run(self, count: int, blocks: Iterable[tuple[Part, GazeInputs]]) -> GazeOutput:
        size = self.model.map_size
        maps = torch.empty(count, size, size)
        names: Tensor | None = None
        logits = torch.empty(count) if self.model.tells_in_frame else None
        for part, output in self.outputs(blocks):
            maps[part] = output.heatmap.cpu()
            if logits is not None and output.in_frame is not None:
                logits[part] = output.in_frame.cpu()
            if (found := output.label_embedding) is not None:
                names = torch.empty(count, found.shape[1]) if names is None else names
                names[part] = found.cpu()
        return GazeOutput(heatmap=maps, in_frame=logits, label_embedding=names)

    def _of_block(self, block: list[PictureAsked]) -> list[Prediction]:
        counts, total = [len(one.boxes) for one in block], sum(len(one.boxes) for one in block)
        images, heads = [one.picture for one in block], [one.boxes for one in block]
        if self.model.squared_heads and total:
            inputs = squared_inputs(images, heads, self.model, self.device)
            return predictions_of(self._run(total, _parted(inputs, self.model)), counts)
        depths = [one.depth for one in block if one.depth is not None]
        pictures = pictures_of(images, heads, self.model, depths or None)
        priors = [one.prior for one in block if one.prior is not None]
        prior = np.concatenate(priors) if priors else None
        owner = np.repeat(np.arange(len(counts)), counts)
        blocks = _blocks_of(self.model, pictures, owner, self.device, prior)
        return predictions_of(self._run(total, blocks), counts)

    def _prior(self, prior: np.ndarray | None, count: int, number: int) -> np.ndarray | None:
        """A picture's prior maps as :func:`gcdr.data.prior_maps.prior_maps` gives them."""
        if not self.model.needs.prior or not count:
            return None
        found = None if prior is None else np.asarray(prior, np.float32)
        if found is None or found.shape != (count, *found.shape[-1:] * 2):
            shape = "none" if found is None else f"shape {found.shape}"
            raise InputError(
                f"picture {number}: prior maps: found {shape}, expected {count} square maps"
            )
        maps, _ = minmax(resize(torch.from_numpy(found), self.model.map_size))
        return maps.numpy()

    def _depth(
        self, depth: np.ndarray | None, picture: Image.Image, number: int
    ) -> np.ndarray | None:
        """A picture's depth as a picture cache holds it."""
        if not self.model.needs.depth:
            return None
        return resized_depth(as_depth(depth, picture, f"picture {number}"), self.model.input_size)


def load(source: str | Path, device: str = "auto", backbone: str | Path | None = None) -> Predictor:
    """A gaze model of a folder (``model.safetensors`` and ``model.json``) or of a released checkpoint.

    Args:
        source: a student's or teacher's folder, or a ``.pt`` file.
        device: "auto", "cpu" or "cuda".
        backbone: weights of a frozen backbone, for a decoder that lies in a file of its own; of a folder,
            the file that its card names unless another place is given.

    Raises:
        InputError: it is not there, is damaged, or holds another kind of model.
    """
    path = Path(source)
    if path.suffix in CHECKPOINTS:
        model, _ = read_released(path, backbone)
    else:
        with Undrawn():
            model = load_model(path, backbone)
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    return Predictor(as_gaze_model(model, path), torch.device(chosen))


def load_gaze_model(folder: str | Path) -> GazeModel:
    """The gaze model of a folder, on the CPU.

    Raises:
        InputError: as :func:`gcdr.models.build.load_model`, or it is a model of another kind.
    """
    return as_gaze_model(load_model(folder), folder)


def as_gaze_model(model: object, where: object) -> GazeModel:
    """The model, if it is a gaze model.

    Raises:
        InputError: it is none.
    """
    if not isinstance(model, GazeModel):
        raise InputError(f"{where}: found a {type(model).__name__}, expected a gaze model")
    return model


def predictions_of(output: GazeOutput, counts: Sequence[int]) -> list[Prediction]:
    """What a model put out, on the CPU, as a prediction a picture of so many people each."""
    points = peak_points(output.heatmap).numpy().astype(np.float32)
    stretched, _ = minmax(output.heatmap)
    maps = stretched.clamp(0, 1).numpy()
    inside = None if output.in_frame is None else output.in_frame.sigmoid().numpy()
    names = None if output.label_embedding is None else output.label_embedding.numpy()
    ends = np.cumsum(counts)
    return [
        Prediction(points[i:j], maps[i:j], *(p if p is None else p[i:j] for p in (inside, names)))
        for i, j in zip(ends - counts, ends, strict=True)
    ]


def people_blocks(
    model: SeesPeople,
    samples: Cache,
    sample_id: np.ndarray,
    device: torch.device,
    prior: MapsOfPeople | None = None,
    progress: bool = True,
    first: int = 0,
) -> Iterator[tuple[np.ndarray, GazeInputs]]:
    """A model's inputs of people in fixed blocks, unaugmented.

    Blocks go in the order of ``sample_id`` or, for a model that follows tracks, along those, and what it
    remembers after a block is to be given with the next (``GazeInputs.after``). Those before the one of
    number ``first`` are done.

    Yields:
        places (n,) among the people, and their inputs.
    """
    rows = samples.rows(sample_id)
    parts = blocks_of_people(model, samples, rows)
    bar = {"unit": "block", "mininterval": 5, "disable": not progress, "initial": first}
    for part, track in tqdm(parts[first:], "people", len(parts), **bar):
        inputs = cached_inputs(samples, rows[part], model, device, _on(prior, part, device))
        if track is not None:
            inputs = replace(inputs, track=torch.from_numpy(track).to(device))
        yield part, inputs


def pictures_of(
    images: Sequence[Image.Image],
    heads: Sequence[np.ndarray],
    model: SeesPeople,
    depths: Sequence[np.ndarray] | None = None,
) -> Callable[[slice, torch.device], Pictures]:
    """Pictures of any part of the people, as a picture cache would hold them.

    Args:
        images: M pictures in RGB.
        heads: of each the head boxes (n, 4) in pixels.
        model: whose input size they are resized to.
        depths: of each its depth (S, S) as a cache holds it; None where the model sees none.
    """
    deep = None if depths is None else torch.from_numpy(np.stack(depths))
    size, margin = model.input_size, head_pixels(model.input_size)
    scenes = np.stack([scene_of(image, size) for image in images])
    owner = np.repeat(np.arange(len(images)), [len(boxes) for boxes in heads])
    boxes = np.concatenate([*heads, np.zeros((0, 4))])
    region = grow(boxes, HEAD_MARGIN)
    extent = np.array([[*image.size, *image.size] for image in images], float)

    def pictures(part: slice, device: torch.device) -> Pictures:
        shown, image_of = np.unique(owner[part], return_inverse=True)
        crops = [
            head_of(images[image], box, margin)
            for image, box in zip(owner[part], region[part], strict=True)
        ]
        return Pictures(
            torch.from_numpy(scenes[shown]).to(device).float().div_(255),
            torch.from_numpy(image_of).to(device),
            torch.from_numpy(np.stack(crops)).to(device).float().div_(255),
            torch.from_numpy((boxes[part] / extent[owner[part]]).astype(np.float32)).to(device),
            None if deep is None else deep[torch.from_numpy(shown)].to(device),
        )

    return pictures


def _blocks_of(
    model: SeesPeople,
    pictures: Callable[[slice, torch.device], Pictures],
    owner: np.ndarray,
    device: torch.device,
    prior: np.ndarray | None,
) -> Iterator[tuple[slice, GazeInputs]]:
    for part in people_parts(owner, model):
        yield part, gaze_inputs(pictures(part, device), model, prior=_on(prior, part, device))


def people_parts(image: np.ndarray, model: SeesPeople) -> list[slice]:
    """People in blocks. None of a model whose costly pass is one an image tears an image's people apart.

    Args:
        image: (N,) int, whose image each person is in; those of one stand together.
        model: which is to be asked.
    """
    ends = np.flatnonzero(np.diff(image, append=-1)) + 1  # of images' people
    parts, start = [], 0
    while start < len(image):
        end = min(start + BLOCK, len(image))
        if model.needs.per == "image":
            end = int(ends[np.searchsorted(ends, end)])
        parts.append(slice(start, end))
        start = end
    return parts


def _parted(inputs: GazeInputs, model: SeesPeople) -> Iterator[tuple[slice, GazeInputs]]:
    """Inputs in blocks; each has the pictures of its own people."""
    for part in people_parts(inputs.image_of.numpy(force=True), model):
        some = inputs.people(torch.arange(len(inputs))[part])
        shown, image_of = torch.unique(some.image_of, return_inverse=True)
        images = None if some.images is None else some.images[shown]
        yield part, replace(some, images=images, image_of=image_of)


def blocks_of_people(
    model: SeesPeople, samples: Cache, rows: np.ndarray
) -> Sequence[tuple[np.ndarray, np.ndarray | None]]:
    """Places of blocks, and the stretches of tracks that they are in for a model that follows them."""
    tracks = samples.tracks
    if tracks is not None and model.needs.tracks:
        whole = ABREAST * model.window
        return tracks.blocks(rows, max(whole, BLOCK // whole * whole))
    places = np.arange(len(rows))
    return [(places[part], None) for part in people_parts(samples.scene_index[rows], model)]


def _on(maps: MapsOfPeople | None, part: Any, device: torch.device) -> Tensor | None:
    return None if maps is None else torch.from_numpy(maps[part]).to(device)[:, None]
