"""What all models that are asked about people share: who is asked about how, in blocks and batches.

People are asked about in fixed blocks in the order of ``sample_id`` (:mod:`gcdr.base.blocks`), in batches
that are halved where memory runs out.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tqdm import tqdm

from gcdr.base.errors import InputError
from gcdr.data.along_tracks import tracks_of
from gcdr.data.manifest import BODY, BOX, people_digest, read_people
from gcdr.data.parquet import read_rows
from gcdr.data.pictures import open_image
from gcdr.priors.carried import head_motion
from gcdr.priors.kinds.outline import Outlined
from gcdr.priors.vqa.question import draw_box

# How torch on a CPU, CUDA, cuBLAS and cuDNN say it, where it is no OutOfMemoryError.
OUT_OF_MEMORY = re.compile(r"allocate memory|out of memory|STATUS_\w*ALLOC(ATION)?_FAILED")
T = TypeVar("T")


@dataclass(frozen=True)
class Question:
    """What is asked about a person; people of whom the same is asked share one answer.

    Attributes:
        image: name of the picture.
        size: its width and height according to the manifest.
        box: the outline that points at the person, in pixels; None for the clean picture.
        text: the prompt.
    """

    image: str
    size: tuple[int, int]
    box: tuple[float, ...] | None
    text: str


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What came of a question: something found and how many pictures were computed with it, or a problem."""

    found: T | None
    batch: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Block:
    """People who are asked about together.

    Attributes:
        start: row of the first one.
        sample_id: (n,) int64.
        asked: what is asked about each.
        motion: (n, 2) how far each one's head has moved since the frame that is asked about, see
            :func:`gcdr.priors.carried.head_motion`; zeros where that is their own.
        pictures: the picture of every different question, being read.
    """

    start: int
    sample_id: np.ndarray
    asked: list[Question]
    motion: np.ndarray
    pictures: dict[Question, Future]


def chosen_people(
    manifest: Path, bodies: Path, which: str
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """People who are asked about, their body boxes in the same order, and the digest of everybody.

    Args:
        manifest: the manifest.
        bodies: body boxes of its people.
        which: ``all`` people, or a split's.
    """
    everybody = read_people(manifest)
    people = everybody[everybody["split"] == which] if which != "all" else everybody
    digest, ids = people_digest(everybody), people["sample_id"].to_numpy()
    return people, read_rows(bodies, digest, ids, [*BODY, "detected"]), digest


def questions(people: pd.DataFrame, bodies: pd.DataFrame, settings: Outlined) -> list[Question]:
    """What is asked about each person.

    With the overlay ``body`` a person whose body was found is outlined, with ``head`` everybody is
    (paper, Table S7). Of all others the question without a box is asked.

    Args:
        people: rows of the manifest.
        bodies: their body boxes, in the same order.
        settings: what points at the person, and what is asked.
    """
    overlay, texts = settings.overlay, settings.questions
    boxes = people[BOX] if overlay == "head" else bodies[BODY]
    outlined = bodies["detected"].to_numpy(bool)
    if overlay != "body":
        outlined = np.full(len(people), overlay == "head")
    sizes = people[["width", "height"]].to_numpy(int).tolist()
    return [
        Question(name, tuple(size), tuple(box), getattr(texts, overlay))
        if boxed
        else Question(name, tuple(size), None, texts.none)
        for name, size, box, boxed in zip(
            people["image"], sizes, boxes.to_numpy(float).tolist(), outlined, strict=True
        )
    ]


def outlined_picture(question: Question, images: Path, settings: Outlined) -> Image.Image:
    """The picture of a question, RGB and of its own size, with the outline of its box.

    Args:
        question: the question.
        images: folder that image names are relative to.
        settings: how the box is drawn.

    Raises:
        InputError: the image cannot be read or is of another size, or the box lies outside it.
    """
    image = open_image(images / question.image, question.size)
    if question.box is None:
        return image
    try:
        return draw_box(image, question.box, settings.box_colour, settings.box_thickness)
    except InputError as error:
        raise InputError(f"{images / question.image}: {error}") from error


def read_blocks(
    pool: ThreadPoolExecutor,
    people: pd.DataFrame,
    bodies: pd.DataFrame,
    starts: Iterable[int],
    stop: int,
    settings: Outlined,
    read: Callable[[Question], Any],
    every: int = 1,
) -> Iterator[Block]:
    """Blocks with their pictures; those of the next one are read while one is computed.

    Args:
        pool: threads that read.
        people: rows of the manifest.
        bodies: their body boxes, in the same order.
        starts: first rows of the blocks.
        stop: end of the last one.
        settings: how many people are in one, and what :func:`questions` takes.
        read: makes a question's picture; where it raises InputError the question has no answer.
        every: of each track in a block the first frame is asked about, and every so many-th after it; of the
            frames between the same is asked as of the last of those.
    """
    tracks = tracks_of(people) if every > 1 else None
    ahead: deque[Block] = deque()
    for start in starts:
        part = slice(start, min(start + settings.block, stop))
        asked, rows = questions(people[part], bodies[part], settings), people[part]
        leader = np.arange(len(rows))
        if tracks is not None:
            leader = tracks.leaders(np.arange(part.start, part.stop), every)
        asked = [asked[place] for place in leader]
        pictures = {one: pool.submit(read, one) for one in dict.fromkeys(asked)}
        motion = head_motion(rows, leader)
        ahead.append(Block(start, rows["sample_id"].to_numpy(), asked, motion, pictures))
        if len(ahead) > 1:
            yield ahead.popleft()
    yield from ahead


class Batches(Generic[T]):
    """Asks in batches, which it halves where memory runs out, until the block's end.

    Each block begins with the whole batch again: what another block needed must not change its bits, or
    shards and interruptions would.

    Args:
        ask: what is found on pictures, as ``read`` of :func:`read_blocks` made them, by one question.
        batch: how many pictures are computed together.
    """

    def __init__(self, ask: Callable[[list[Any], str], Sequence[T]], batch: int) -> None:
        self.ask, self.whole, self.batch = ask, batch, batch

    def answer(self, pictures: Mapping[Question, Future]) -> dict[Question, Outcome[T]]:
        """Answers to a block's questions; those of equal text are asked together, since length matters."""
        self.batch = self.whole
        answers: dict[Question, Outcome[T]] = {}
        readable: dict[str, list[Question]] = {}
        for question, future in pictures.items():
            try:
                future.result()
                readable.setdefault(question.text, []).append(question)
            except InputError as error:
                answers[question] = Outcome(None, problem=str(error))
        for text, left in sorted(readable.items()):
            while left:
                part = left[: self.batch]
                found = self._ask([pictures[one].result() for one in part], text)
                if found is not None:
                    outcomes = (Outcome(one, len(part)) for one in found)
                    answers |= zip(part, outcomes, strict=True)
                    left = left[len(part) :]
        return answers

    def _ask(self, pictures: list[Any], text: str) -> Sequence[T] | None:
        """What was found, or None where memory ran out and a smaller batch is worth a try."""
        try:
            return self.ask(pictures, text)
        except (torch.OutOfMemoryError, MemoryError):
            pass
        except RuntimeError as error:
            if not OUT_OF_MEMORY.search(str(error)):
                raise
        if len(pictures) == 1:
            raise InputError("prior: memory does not suffice for one picture at a time")
        self.batch = len(pictures) // 2
        tqdm.write(f"memory ran out with {len(pictures)} pictures; going on with {self.batch}")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None
