"""What a batch of people holds, and how it is put together from the cache and the labels."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.base.seeds import torch_rng
from gcdr.base.tensors import each_tensor
from gcdr.data.cache import Pictures, Samples
from gcdr.data.crops import HEAD_PADDING
from gcdr.data.heatmaps import gaussians
from gcdr.data.originals import Originals
from gcdr.data.tokens import Cache, ImageTokens
from gcdr.data.views import (
    View,
    random_view,
    strong_view,
    view_maps,
    view_points,
    view_priors,
    weak_view,
    whole_image,
)
from gcdr.models.inputs import inputs_of
from gcdr.models.interface import GazeInputs, SeesPeople
from gcdr.models.shares import WHOLE, Share, Whole
from gcdr.predictor.predictor import people_blocks
from gcdr.training.loop import shuffled
from gcdr.training.targets import Targets

ViewKind = Literal["random", "weak", "strong"]
"""How people are looked at: in a random view, in their own colours, or the unlabelled changed strongly."""


@dataclass(frozen=True)
class Batch:
    """Model inputs and targets of N people; the inputs are of those n of them that this process computes.

    Attributes:
        inputs: what the model sees of them, everybody in an image of their own.
        prior: (n, 1, G, G) prior maps in [0, 1] as seen in the view, or None.
        target: (N, G, G) in [0, 1]; zeros where nothing is known.
        labelled: (N,) bool, the target is a person's label.
        in_frame: (N,) 1 where the person looks into the frame, 0 where not, NaN where unknown; or None.
        gaze: (N, 2) gaze points in 0..1 as seen in the view, NaN where unknown; None of people as they are.
        place: (N,) int64, which name of a vocabulary each looks at, -1 where unknown; None without names.
        share: which of the N the n are.
        flip: (N,) bool, who is seen with left and right exchanged; None of people as they are.
    """

    inputs: GazeInputs
    prior: Tensor | None
    target: Tensor
    labelled: Tensor
    in_frame: Tensor | None = None
    gaze: Tensor | None = None
    place: Tensor | None = None
    share: Share | Whole = WHOLE
    flip: Tensor | None = None


@dataclass(frozen=True)
class Drawn:
    """What is drawn and read of N people before a device is asked: all of it on the CPU, pictures as stored.

    Attributes:
        pictures: of the n who are computed, everybody in an image of their own, which is the views' window;
            or tokens of it.
        views: how they are looked at.
        gaze: (N, 2) float32 in 0..1, NaN where unknown.
        heatmap: (N, G, G) float32 in [0, 1], the target where there is no gaze point, or None.
        prior: (N, G, G) float32 prior maps in [0, 1], or None.
        in_frame, place: as of a batch.
        track: (N,) int64, see :class:`gcdr.models.interface.GazeInputs`, or None.
        own: (n,) int64, who is computed by this process; None: everybody.
    """

    pictures: Pictures | ImageTokens
    views: list[View]
    gaze: Tensor
    heatmap: Tensor | None
    prior: Tensor | None
    in_frame: Tensor | None
    track: Tensor | None
    own: Tensor | None
    place: Tensor | None = None

    def of_own(self, value: Any) -> Any:
        """Those who are computed, of what is known of everybody."""
        return value if self.own is None else each_tensor(value, lambda tensor: tensor[self.own])


@dataclass(frozen=True)
class Composition:
    """Who is in a batch, and how many batches an epoch has.

    Attributes:
        ids: from the step to the people of its batch.
        per_epoch: steps in one pass: over the people without a label where they have places of their
            own (as in Mean Teacher), else over all.
        pieces: people, or clips where there are some, in a batch.
        clip: from the step to the clip (n,) int64 from 0 on that each is in; None where there are no clips.
    """

    ids: Callable[[int], np.ndarray]
    per_epoch: float
    pieces: int
    clip: Callable[[int], np.ndarray] | None = None


class Clips(NamedTuple):
    """How people are cut into clips, which are learned from together.

    Attributes:
        of: from ``sample_id`` (N,) to those of each clip, in the order of time.
        frames: that a clip has, at most.
    """

    of: Callable[[np.ndarray], list[np.ndarray]]
    frames: int


def compose(
    labelled: Targets,
    others: Targets | None,
    batch: int,
    labelled_per_batch: int | None,
    seed: int,
    clips: Clips | None = None,
) -> Composition:
    """Fill batches with labelled people and, if given, others.

    Args:
        labelled: people with a label.
        others: people with a pseudo-label, or with nothing but their picture.
        batch: people in a batch.
        labelled_per_batch: places of the labelled (paper: 20 of 80 for few labels); None mixes all
            people as one pool (paper: with half of the labels).
        seed: seed of the shuffles.
        clips: for a model that follows tracks: places are filled with clips, as many as fit in at most, and
            clips are shuffled in place of people.

    Where there are fewer people of a kind than places for them, every batch has each of them once.

    Raises:
        InputError: there is nobody of a kind, or there are no places for it.
    """
    who, second = "labelled", 0
    if others is None:
        first, known = batch, labelled.sample_id
    elif labelled_per_batch is None:
        first, known = batch, np.union1d(labelled.sample_id, others.sample_id)
        who, others = "labelled and pseudo-labelled", None
    else:
        first, known = labelled_per_batch, labelled.sample_id
        if not 0 < first < batch:
            raise InputError(
                f"labelled_per_batch: found {first}, expected 1 to {batch - 1} of a batch of {batch}"
            )
        second = batch - first
    of_known = _pool(known, first, who, seed, "labelled", clips)
    if others is None:
        return of_known
    of_others = _pool(others.sample_id, second, "pseudo-labelled", seed, "pseudo-labelled", clips)
    clip = None
    if of_known.clip is not None and of_others.clip is not None:
        known_clip, others_clip = of_known.clip, of_others.clip

        def clip(step: int) -> np.ndarray:
            before = known_clip(step)
            return np.concatenate([before, others_clip(step) + before[-1] + 1])

    return Composition(
        lambda step: np.concatenate([of_known.ids(step), of_others.ids(step)]),
        of_others.per_epoch,
        of_known.pieces + of_others.pieces,
        clip,
    )


def _pool(
    ids: np.ndarray, places: int, who: str, seed: int, purpose: str, clips: Clips | None
) -> Composition:
    """Batches of one kind of people; that they are too few for their places is said in the log."""
    if not len(ids):
        raise InputError(f"found 0 {who} people, expected some (split.share, split.unlabelled)")
    pieces = None if clips is None else clips.of(ids)
    drawn = ids if pieces is None else np.arange(len(pieces))
    what = f"{who} people" if pieces is None else f"clips of {who} people"
    places = places if clips is None else max(1, places // clips.frames)
    if len(drawn) < places:
        print(f"found {len(drawn)} {what} for {places} places: each batch has all of them")
    places = min(len(drawn), places)
    chosen = shuffled(drawn, places, seed, purpose)
    if pieces is None:
        return Composition(chosen, len(drawn) / places, places)
    lengths = np.array([len(piece) for piece in pieces])
    return Composition(
        lambda step: np.concatenate([pieces[k] for k in chosen(step)]),
        len(drawn) / places,
        places,
        lambda step: np.repeat(np.arange(places), lengths[chosen(step)]),
    )


def draw_batch(
    samples: Cache,
    originals: Originals,
    targets: Targets,
    sample_id: np.ndarray,
    *,
    priors: Targets | None,
    rng: tuple[int, str, int],
    views: Sequence[ViewKind] = ("random",),
    clip: np.ndarray | None = None,
    own: np.ndarray | None = None,
    named: Callable[[np.ndarray], np.ndarray] | None = None,
    padding: float = HEAD_PADDING,
) -> Drawn:
    """Draw the views of some people and read what they show.

    The views share window and flip, so that all heatmaps agree cell by cell; colours and head boxes
    are jittered apart, as Mean Teacher needs it (paper, S2), or changed weakly and strongly. All frames of a
    clip are shown in one view.

    Args:
        samples: the picture cache.
        originals: larger pictures of the labelled people, from which their random crops are cut.
        targets: what the people are trained towards.
        sample_id: (n,) the people.
        priors: prior maps of these people, or None.
        rng: seed, purpose and step of the augmentation.
        views: how they are looked at, a view for each.
        clip: (n,) int64 from 0 on, ascending, which clip of a track each is a frame of, in the order of time;
            None: nobody is in one.
        own: who is computed by this process, see :meth:`gcdr.training.ranks.Ranks.rows`: all that is drawn is
            drawn for everybody, but pictures are read of these alone.
        named: from people (n,) to which name of a vocabulary (n,) each looks at, -1 where unknown; or None.
        padding: by how much of its size a head box is grown on each side, before it is jittered.
    """
    at, rows = targets.rows(sample_id), samples.rows(sample_id)
    gaze = torch.from_numpy(targets.gaze[at])
    in_frame = None if targets.in_frame is None else torch.from_numpy(targets.in_frame[at])
    seed, purpose, step = rng
    heatmap = None
    if targets.heatmap is not None:
        heatmap = targets.maps(sample_id, torch_rng(seed, f"{purpose} draw", step))
    prior = None if priors is None else priors.maps(sample_id)
    track = None if clip is None else torch.from_numpy(clip)
    head_box = torch.from_numpy(samples.head_box[rows])
    seen = _views(head_box, gaze, track, rng, views, padding)
    read = slice(None) if own is None else own
    shown = each_tensor(seen[0], lambda tensor: tensor[read])
    if isinstance(samples, Samples):
        pictures: Pictures | ImageTokens = samples.stored(rows[read], each=True)
        _crop(pictures.images, originals, sample_id[read], shown)
    else:
        seen = [whole_image(view) for view in seen]
        pictures = samples.stored(rows[read], shown.flip)
    mine = None if own is None else torch.from_numpy(own)
    place = None if named is None else torch.from_numpy(named(sample_id))
    return Drawn(pictures, seen, gaze, heatmap, prior, in_frame, track, mine, place)


def batches_of(drawn: Drawn, model: SeesPeople, sigma: float, device: torch.device) -> list[Batch]:
    """The same people once in each view.

    Args:
        drawn: the people.
        model: whose inputs and targets these are.
        sigma: standard deviation of a label's Gaussian in cells.
        device: where the batches are computed.
    """
    drawn = each_tensor(drawn, lambda tensor: tensor.to(device, non_blocking=True))
    shown, unknown = drawn.pictures.in_floats(), torch.isnan(drawn.gaze).any(1)
    share = WHOLE if drawn.own is None else Share(drawn.own, len(unknown), drawn.track)
    track = drawn.of_own(drawn.track)
    batches = []
    for view in drawn.views:
        gaze = view_points(drawn.gaze, view)
        target = gaussians(gaze, model.map_size, sigma)
        if drawn.heatmap is not None:
            target = torch.where(unknown[:, None, None], view_maps(drawn.heatmap, view), target)
        own, maps = drawn.of_own(view), drawn.of_own(drawn.prior)
        prior = None if maps is None else view_priors(maps, own)[:, None]
        inputs = replace(inputs_of(shown, model, view=own, prior=prior), track=track)
        known = (~unknown, drawn.in_frame, gaze, drawn.place)
        batches.append(Batch(inputs, prior, target, *known, share, view.flip))
    return batches


def plain_batches(
    samples: Cache,
    targets: Targets,
    *,
    priors: Targets | None,
    model: SeesPeople,
    sigma: float,
    device: torch.device,
) -> Iterator[Batch]:
    """All labelled people as they are, in blocks as a predictor's.

    Args:
        targets: people with a gaze point inside the frame.
        samples, priors: as in :func:`draw_batch`.
        model, sigma, device: as in :func:`batches_of`.
    """
    ids = targets.sample_id
    maps = None if priors is None else priors.maps(ids).numpy()
    for part, inputs in people_blocks(model, samples, ids, device, maps, progress=False):
        prior = None if maps is None else torch.from_numpy(maps[part]).to(device)[:, None]
        target = gaussians(torch.from_numpy(targets.gaze[part]).to(device), model.map_size, sigma)
        yield Batch(inputs, prior, target, torch.ones(len(part), dtype=torch.bool, device=device))


def _crop(images: Tensor, originals: Originals, sample_id: np.ndarray, view: View) -> None:
    """Put the view's windows in the place of stored whole images (N, 3, S, S), for those who see a part."""
    part = view.cropped
    if part.any():
        chosen, window = sample_id[part.numpy()], view.window[part].numpy()
        images[part] = torch.from_numpy(originals.crops(chosen, window, images.shape[-1]))


def _views(
    box: Tensor,
    gaze: Tensor,
    track: Tensor | None,
    rng: tuple[int, str, int],
    views: Sequence[ViewKind],
    padding: float,
) -> list[View]:
    seed, purpose, step = rng
    first = random_view(box, gaze, torch_rng(seed, purpose, step), track, padding)
    drawn = []
    for number, kind in enumerate(views, start=1):
        own = torch_rng(seed, f"{purpose} {number}", step)
        if kind == "weak":
            drawn.append(weak_view(first, padding))
        elif kind == "strong":
            drawn.append(strong_view(first, torch.isnan(gaze).any(1), own, track, padding))
        elif number == 1:
            drawn.append(first)
        else:
            other = random_view(box, gaze, own, track, padding)
            drawn.append(replace(other, window=first.window, flip=first.flip))
    return drawn
