"""Asking a model that points about every person: another stage that fills a prior store.

The person is outlined as for the VQA model; the answer's text names places (:mod:`gcdr.priors.answers`),
and a Gaussian at a point or a filled box is the map. A bad answer is a row without a map that says why. It
is no failure of the job: asked again, the model would say the same.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from gcdr.base.blocks import Blocks, shard_rows, work_key
from gcdr.base.device import one_thread
from gcdr.base.errors import InputError
from gcdr.base.failures import Failures
from gcdr.data.heatmaps import gaussians
from gcdr.data.prior_shards import concatenate_priors
from gcdr.data.stores import read_columns, write_prior
from gcdr.priors.answers import Answer, Point
from gcdr.priors.inquiry import (
    Batches,
    Block,
    Outcome,
    Question,
    chosen_people,
    outlined_picture,
    read_blocks,
)
from gcdr.priors.kinds.pointing_kind import PointingSettings
from gcdr.priors.vlm import PointingModel

LAYERS = [1]  # a store has maps by decoder layer; these belong to none
LONGEST = 200  # times as long as the other: such a side is beyond what Qwen-VL's processor takes
RawAnswer = tuple[str, Answer]


def point_people(
    manifest: Path,
    images: Path,
    bodies: Path,
    weights: Path,
    settings: PointingSettings,
    shard: int,
    shards: int,
    workers: int,
    failures: float,
    device: torch.device,
    out: Path,
) -> None:
    """Ask about the people of a shard and write maps of where the model points.

    A person whose picture cannot be read or outlined gets an invalid row that says why, and so does one
    whose answer is bad; the latter are counted by reason in what is printed.

    Args:
        manifest: the manifest.
        images: folder that image names are relative to.
        bodies: body boxes of the people.
        weights: folder of the model, see :mod:`gcdr.priors.vlm`.
        settings: how the model is asked.
        shard: 1..shards.
        shards: number of shards.
        workers: threads that read pictures.
        failures: share of the shard's people who may not be asked, 0 to 1; bad answers do not count.
        device: where to compute.
        out: the shard. Blocks that are done wait in a hidden folder beside it until it is whole.

    Raises:
        InputError: more than that share could not be asked.
    """
    people, found, digest = chosen_people(manifest, bodies, settings.which)
    names = ("precision", "max_new_tokens", "max_pixels")
    model = PointingModel.load(weights, device, **{name: getattr(settings, name) for name in names})
    made_by = {**settings.to_json(), **model.made_by, "layers": LAYERS, "depth": len(LAYERS)}
    rows = shard_rows(len(people), settings.block, shard, shards)
    files = [bodies, *sorted(path for path in weights.iterdir() if path.is_file())]
    key = work_key(made_by, digest, people["sample_id"].to_numpy(), files, __file__, device)
    blocks = Blocks.of(out, rows, settings.block, key, [images / name for name in people["image"]])
    left = blocks.left(_all_answered)
    failed = Failures("not asked", len(rows), failures)
    batches = Batches(model.point, settings.batch)
    # Only reading takes several threads, so that their number never changes a bit.
    with one_thread(), ThreadPoolExecutor(workers) as pool:
        read = read_blocks(
            pool, people, found, left, rows.stop, settings,
            lambda one: pointing_picture(one, images, settings),
        )  # fmt: skip
        title = f"pointing, shard {shard} of {shards}"
        for block in tqdm(read, title, len(left), unit="block", mininterval=5):
            answers = batches.answer(block.pictures)
            outcomes = [answers[question] for question in block.asked]
            for sample_id, outcome in zip(block.sample_id, outcomes, strict=True):
                if outcome.found is None:
                    failed.add([sample_id], outcome.problem)
            _write(blocks.parts[block.start], block, outcomes, digest, made_by)
    concatenate_priors(list(blocks.parts.values()), out)
    blocks.remove()
    print(describe_answers(out))


def pointing_picture(question: Question, images: Path, settings: PointingSettings) -> Image.Image:
    """The picture of a question as it is handed to the model: outlined, at most ``max_pixels`` large.

    Raises:
        InputError: the image cannot be read, is of another size or too narrow, or the box lies outside.
    """
    image = outlined_picture(question, images, settings)
    if max(image.size) > LONGEST * min(image.size):
        raise InputError(
            f"{images / question.image}: found a size of {image.width}x{image.height}, expected one "
            f"side at most {LONGEST} times as long as the other"
        )
    shrink = (settings.max_pixels / (image.width * image.height)) ** 0.5
    if shrink >= 1:
        return image
    width, height = (max(1, int(side * shrink)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def answer_map(answer: Answer, size: int, sigma: float) -> Tensor:
    """The map of an answer: Gaussians of height 1 at its points and its boxes filled with 1, added up.

    Args:
        answer: what a model points at.
        size: side of the map in cells.
        sigma: standard deviation of a Gaussian in cells.

    Returns:
        (size, size) float32 >= 0; a cell that a box covers in part has that part of 1. Zeros for a bad
        answer.
    """
    heatmap = torch.zeros(size, size)
    for place in answer.places:
        if isinstance(place, Point):
            heatmap += gaussians(torch.tensor([[place.x, place.y]]), size, sigma)[0]
        else:
            rows, columns = (
                _covered(start, end, size)
                for start, end in ((place.y0, place.y1), (place.x0, place.x1))
            )
            heatmap += rows[:, None] * columns
    return heatmap


def _covered(start: float, end: float, size: int) -> Tensor:
    """(size,) how much of each cell of a row lies between two places in 0..1."""
    edges = torch.arange(size, dtype=torch.float64)
    return ((edges + 1).clamp(max=end * size) - edges.clamp(min=start * size)).clamp(0, 1).float()


def describe_answers(path: Path) -> str:
    """How many people of a shard the model pointed for, and of the others how many for which reason."""
    columns = read_columns(path)
    valid, reasons = columns["valid"], columns["reason"]
    bad = Counter(reason for reason in reasons if reason)
    unasked = int((~valid & (reasons == "")).sum())
    kinds = [f"{count:,} {reason}" for reason, count in bad.most_common()]
    return (
        f"{path}: the model pointed for {int(valid.sum()):,} of {len(valid):,} people; bad answers: "
        f"{bad.total():,}{' (' + ', '.join(kinds) + ')' if kinds else ''}; not asked: {unasked:,}"
    )


def _all_answered(path: Path) -> bool:
    """Whether everybody of a block was asked: a bad answer is one, and would be given again."""
    columns = read_columns(path)
    return bool((columns["valid"] | (columns["reason"] != "")).all())


def _write(
    path: Path,
    block: Block,
    outcomes: Sequence[Outcome[RawAnswer]],
    people: str,
    made_by: Mapping[str, Any],
) -> None:
    size = made_by["size"]
    found = [one.found or ("", Answer()) for one in outcomes]
    texts, answers = [text for text, _ in found], [answer for _, answer in found]
    reasons = [answer.reason for answer in answers]
    problems = [
        one.problem or (reason and f"bad answer: {reason}")
        for one, reason in zip(outcomes, reasons, strict=True)
    ]
    maps = [answer_map(answer, size, made_by["sigma"]).numpy()[None] for answer in answers]
    write_prior(
        path,
        block.sample_id,
        np.array(maps, np.float32).reshape(-1, 1, size, size),
        np.array([not problem for problem in problems], bool),
        {
            "question": np.array([question.text for question in block.asked], object),
            "answer": np.array(texts, object),
            "noun": np.array([answer.label for answer in answers], object),
            "token_index": np.full(len(outcomes), -1, np.int64),
            "batch": np.array([one.batch for one in outcomes], np.int64),
            "problem": np.array(problems, object),
            "reason": np.array(reasons, object),
        },
        layers=LAYERS,
        people=people,
        made_by=made_by,
    )
