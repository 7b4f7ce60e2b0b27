"""What a batch of people holds, and how it is put together from the cache and the labels."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.base.seeds import torch_rng
from gcdr.data.heatmaps import gaussians
from gcdr.data.originals import Originals
from gcdr.data.tokens import Cache, Tokens
from gcdr.data.views import (
    View,
    random_view,
    view_maps,
    view_points,
    view_priors,
    whole_image,
)
from gcdr.models.inputs import gaze_inputs, token_inputs
from gcdr.models.interface import GazeInputs, SeesPeople
from gcdr.predictor import people_blocks
from gcdr.training.loop import shuffled
from gcdr.training.targets import Targets


@dataclass(frozen=True)
class Batch:
    """Model inputs and targets of N people.

    Attributes:
        inputs: what the model sees of them, everybody in an image of their own.
        prior: (N, 1, G, G) prior maps in [0, 1] as seen in the view, or None.
        target: (N, G, G) in [0, 1]; zeros where nothing is known.
        labelled: (N,) bool, the target is a person's label.
        in_frame: (N,) 1 where the person looks into the frame, 0 where not, NaN where unknown; or None.
    """

    inputs: GazeInputs
    prior: Tensor | None
    target: Tensor
    labelled: Tensor
    in_frame: Tensor | None = None


@dataclass(frozen=True)
class Composition:
    """Who is in a batch, and how many batches an epoch has.

    Attributes:
        ids: from the step to the people of its batch.
        per_epoch: steps in one pass: over the people without a label where they have places of their
            own (as in Mean Teacher), else over all.
        clip: from the step to the clip (n,) int64 from 0 on that each is in; None where there are no clips.
    """

    ids: Callable[[int], np.ndarray]
    per_epoch: float
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
        return Composition(chosen, len(drawn) / places)
    lengths = np.array([len(piece) for piece in pieces])
    return Composition(
        lambda step: np.concatenate([pieces[k] for k in chosen(step)]),
        len(drawn) / places,
        lambda step: np.repeat(np.arange(places), lengths[chosen(step)]),
    )


def random_batches(
    samples: Cache,
    originals: Originals,
    targets: Targets,
    sample_id: np.ndarray,
    *,
    priors: Targets | None,
    model: SeesPeople,
    sigma: float,
    device: torch.device,
    rng: tuple[int, str, int],
    views: int = 1,
    clip: np.ndarray | None = None,
) -> list[Batch]:
    """Assemble the same people once in each of some random views.

    The views share window and flip, so that all heatmaps agree cell by cell; colours and head boxes
    are jittered apart, as Mean Teacher needs it (paper, S2). All frames of a clip are
    shown in one view.

    Args:
        samples: the picture cache.
        originals: larger pictures of the labelled people, from which their random crops are cut.
        targets: what the people are trained towards.
        sample_id: (n,) the people.
        priors: prior maps of these people, or None.
        model: whose inputs and targets these are.
        sigma: standard deviation of a label's Gaussian in cells.
        device: where the batches are computed.
        rng: seed, purpose and step of the augmentation.
        views: how many.
        clip: (n,) int64 from 0 on, ascending, which clip of a track each is a frame of, in the order of time;
            None: nobody is in one.
    """
    at = targets.rows(sample_id)
    rows = samples.rows(sample_id)
    gaze = torch.from_numpy(targets.gaze[at]).to(device)
    unknown, in_frame = torch.isnan(gaze).any(1), None
    if targets.in_frame is not None:
        in_frame = torch.from_numpy(targets.in_frame[at]).to(device)
    seed, purpose, step = rng
    stored = None
    if targets.heatmap is not None:
        choice = torch_rng(seed, f"{purpose} draw", step)
        stored = targets.maps(sample_id, choice).to(device)
    head_box = torch.from_numpy(samples.head_box[rows]).to(device)
    track = None if clip is None else torch.from_numpy(clip).to(device)
    seen = _random_views(head_box, gaze, track, seed, purpose, step, views)
    pictures = None
    if isinstance(samples, Tokens):
        seen = [whole_image(view) for view in seen]
    else:
        pictures = samples.pictures(rows, device, each=True)
        _crop(pictures.images, originals, sample_id, seen[0])
    batches = []
    for view in seen:
        target = gaussians(view_points(gaze, view), model.map_size, sigma)
        if stored is not None:
            target = torch.where(unknown[:, None, None], view_maps(stored, view), target)
        prior = None
        if priors is not None:
            prior = view_priors(priors.maps(sample_id).to(device), view)[:, None]
        inputs = (
            token_inputs(samples, rows, model, device, view)
            if isinstance(samples, Tokens)
            else gaze_inputs(pictures, model, view=view, prior=prior)
        )
        batches.append(Batch(replace(inputs, track=track), prior, target, ~unknown, in_frame))
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
        samples, priors, model, sigma, device: as in :func:`random_batches`.
    """
    ids = targets.sample_id
    maps = None if priors is None else priors.maps(ids).numpy()
    for part, inputs in people_blocks(model, samples, ids, device, maps, progress=False):
        prior = None if maps is None else torch.from_numpy(maps[part]).to(device)[:, None]
        target = gaussians(torch.from_numpy(targets.gaze[part]).to(device), model.map_size, sigma)
        yield Batch(inputs, prior, target, torch.ones(len(part), dtype=torch.bool, device=device))


def _crop(images: Tensor, originals: Originals, sample_id: np.ndarray, view: View) -> None:
    """Put the view's windows in the place of whole images (N, 3, S, S), for those who see a part."""
    part = view.cropped
    if part.any():
        chosen = part.cpu().numpy()
        window = view.window[part].cpu().numpy()
        crops = originals.crops(sample_id[chosen], window, images.shape[-1])
        images[part] = torch.from_numpy(crops).to(images.device).float().div_(255)


def _random_views(
    box: Tensor,
    gaze: Tensor,
    track: Tensor | None,
    seed: int,
    purpose: str,
    step: int,
    count: int,
) -> list[View]:
    first = random_view(box, gaze, torch_rng(seed, purpose, step), track)
    others = [
        random_view(box, gaze, torch_rng(seed, f"{purpose} {number}", step), track)
        for number in range(2, count + 1)
    ]
    return [first, *(replace(view, window=first.window, flip=first.flip) for view in others)]
