"""Asking a VQA model about every person: the stage that fills a prior store.

People are asked about in fixed blocks in the order of ``sample_id`` (:mod:`gcdr.base.blocks`), so a killed
shard goes on where it stopped.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from gcdr.base.blocks import Blocks, shard_rows, work_key
from gcdr.base.device import one_thread
from gcdr.base.errors import InputError
from gcdr.base.failures import Failures
from gcdr.base.files import read_json
from gcdr.data.manifest import BOX, people_digest, read_people
from gcdr.data.pictures import open_image
from gcdr.data.stores import concatenate_priors, read_validity, write_prior
from gcdr.priors.kinds.vqa_kind import Asked, AskSettings
from gcdr.priors.vqa.blip import BlipForVQA
from gcdr.priors.vqa.gradcam import check_layers
from gcdr.priors.vqa.nouns import WordFinder, find_tagger
from gcdr.priors.vqa.ofa.layouts import BLIP
from gcdr.priors.vqa.ofa.search import Search
from gcdr.priors.vqa.ofa_vqa import Explanation, OFAForVQA, VQAModel
from gcdr.priors.vqa.question import draw_box, image_array

# How torch on a CPU, CUDA, cuBLAS and cuDNN say it, where it is no OutOfMemoryError.
OUT_OF_MEMORY = re.compile(r"allocate memory|out of memory|STATUS_\w*ALLOC(ATION)?_FAILED")
BODY = ["body_x0", "body_y0", "body_x1", "body_y1"]


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
class Answer:
    """What came of it: an explanation and how many pictures were computed with it, or a problem."""

    explanation: Explanation | None
    batch: int = 0
    problem: str = ""


def load_model(
    weights: Path, settings: Asked, finder: WordFinder, device: torch.device
) -> VQAModel:
    """The VQA model in a folder: BLIP in transformers' layout, or OFA.

    Raises:
        InputError: the folder does not hold a whole one.
    """
    search = Search(
        settings.beam,
        settings.max_length,
        normalise=settings.normalise,
        length_penalty=settings.length_penalty,
    )
    content = read_json(weights / "config.json")
    blip = isinstance(content, dict) and content.get("model_type") == BLIP
    known = BlipForVQA if blip else OFAForVQA
    return known.load(weights, device, search, finder, settings.precision)


def questions(people: pd.DataFrame, bodies: pd.DataFrame, settings: Asked) -> list[Question]:
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


def picture(question: Question, images: Path, size: int, settings: Asked) -> np.ndarray:
    """The picture of a question as the model sees it, (3, size, size) float32 in [-1, 1].

    Raises:
        InputError: the image cannot be read or is of another size, or the box lies outside it.
    """
    image = open_image(images / question.image, question.size)
    if question.box is not None:
        try:
            image = draw_box(image, question.box, settings.box_colour, settings.box_thickness)
        except InputError as error:
            raise InputError(f"{images / question.image}: {error}") from error
    return image_array(image, size)


@dataclass(frozen=True)
class Block:
    """People who are asked about together.

    Attributes:
        start: row of the first one.
        sample_id: (n,) int64.
        asked: what is asked about each.
        pictures: the picture of every different question, being read.
    """

    start: int
    sample_id: np.ndarray
    asked: list[Question]
    pictures: dict[Question, Future]


class Asker:
    """Asks a model in batches, which it halves where memory runs out, until the block's end.

    Each block begins with the whole batch again: what another block needed must not change its bits, or
    shards and interruptions would.
    """

    def __init__(self, model: VQAModel, layers: Sequence[int], batch: int) -> None:
        self.model, self.layers, self.whole, self.batch = model, layers, batch, batch

    def ask(self, pictures: Mapping[Question, Future]) -> dict[Question, Answer]:
        """Answers to a block's questions; those of equal text are asked together, since length matters."""
        self.batch = self.whole
        answers: dict[Question, Answer] = {}
        readable: dict[str, list[Question]] = {}
        for question, future in pictures.items():
            try:
                future.result()
                readable.setdefault(question.text, []).append(question)
            except InputError as error:
                answers[question] = Answer(None, problem=str(error))
        for text, left in sorted(readable.items()):
            while left:
                part = left[: self.batch]
                images = torch.from_numpy(np.stack([pictures[one].result() for one in part]))
                found = self._explain(images, text)
                if found is not None:
                    answers |= zip(part, (_checked(one, len(part)) for one in found), strict=True)
                    left = left[len(part) :]
        return answers

    def _explain(self, images: torch.Tensor, text: str) -> list[Explanation] | None:
        """Explanations, or None where memory ran out and a smaller batch is worth a try."""
        try:
            return self.model.explain(images, [text] * len(images), self.layers)
        except (torch.OutOfMemoryError, MemoryError):
            pass
        except RuntimeError as error:
            if not OUT_OF_MEMORY.search(str(error)):
                raise
        if len(images) == 1:
            raise InputError("prior: memory does not suffice for one picture at a time")
        self.batch = len(images) // 2
        tqdm.write(f"memory ran out with {len(images)} pictures; going on with {self.batch}")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None


def _checked(explanation: Explanation, batch: int) -> Answer:
    if np.isfinite(explanation.heatmap).all():
        return Answer(explanation, batch)
    return Answer(None, batch, "the model's map is not finite")


def ask_people(
    manifest: Path,
    images: Path,
    bodies: Path,
    weights: Path,
    settings: AskSettings,
    shard: int,
    shards: int,
    workers: int,
    failures: float,
    device: torch.device,
    out: Path,
) -> None:
    """Ask about the people of a shard and write their Grad-CAM maps (paper, Sec. 3.2).

    A person whose picture cannot be read or outlined gets an invalid row that says why.

    Args:
        manifest: the manifest.
        images: folder that image names are relative to.
        bodies: body boxes of the people.
        weights: folder of the VQA model.
        settings: what decides the maps, and of whom they are.
        shard: 1..shards.
        shards: number of shards.
        workers: threads that read pictures.
        failures: share of the shard's people who may fail, 0 to 1.
        device: where to compute.
        out: the shard. Blocks that are done wait in a hidden folder beside it until it is whole.

    Raises:
        InputError: more than that could not be asked.
    """
    everybody = read_people(manifest)
    digest = people_digest(everybody)
    chosen = everybody["split"] == settings.which if settings.which != "all" else slice(None)
    people = everybody[chosen]
    found = pd.read_parquet(bodies).set_index("sample_id").loc[people["sample_id"]]
    tagger, tag = find_tagger(settings.tagger)
    model = load_model(weights, settings, WordFinder(tag, settings.word), device)
    check_layers(settings.layers, model.depth)
    asked = settings.questions
    model.check_questions([getattr(asked, settings.overlay), asked.none])
    made_by = {**settings.to_json(), "tagger": tagger, "depth": model.depth}
    rows = shard_rows(len(people), settings.block, shard, shards)
    files = [bodies, *sorted(path for path in weights.iterdir() if path.is_file())]
    key = work_key(made_by, digest, people["sample_id"].to_numpy(), files, __file__, device)
    pictures = [images / name for name in people["image"]]
    kept = Blocks.of(out, rows, settings.block, key, pictures)
    left = kept.left(lambda part: read_validity(part).all())
    failed = Failures("not asked", len(rows), failures)
    asker = Asker(model, settings.layers, settings.block)
    # Only reading takes several threads, so that their number never changes a bit.
    with one_thread(), ThreadPoolExecutor(workers) as pool:
        blocks = _blocks(people, found, left, rows.stop, settings)
        read = _reading(pool, blocks, images, model.image_size, settings)
        title = f"asking, shard {shard} of {shards}"
        for block in tqdm(read, title, len(left), unit="block", mininterval=5):
            answers = asker.ask(block.pictures)
            given = [answers[question] for question in block.asked]
            for sample_id, answer in zip(block.sample_id, given, strict=True):
                if answer.explanation is None:
                    failed.add([sample_id], answer.problem)
            _write(kept.parts[block.start], block, given, model, digest, made_by)
    concatenate_priors(list(kept.parts.values()), out)
    kept.remove()


def _blocks(
    people: pd.DataFrame,
    bodies: pd.DataFrame,
    starts: Iterable[int],
    stop: int,
    settings: Asked,
) -> Iterator[tuple[int, np.ndarray, list[Question]]]:
    for start in starts:
        part = slice(start, min(start + settings.block, stop))
        asked = questions(people[part], bodies[part], settings)
        yield start, people["sample_id"].to_numpy()[part], asked


def _reading(
    pool: ThreadPoolExecutor, blocks: Iterable[tuple[int, np.ndarray, list[Question]]], *how: Any
) -> Iterator[Block]:
    """Blocks with their pictures; those of the next one are read while one is computed."""
    ahead: deque[Block] = deque()
    for start, sample_id, asked in blocks:
        pictures = {one: pool.submit(picture, one, *how) for one in dict.fromkeys(asked)}
        ahead.append(Block(start, sample_id, asked, pictures))
        if len(ahead) > 1:
            yield ahead.popleft()
    yield from ahead


def _write(
    path: Path,
    block: Block,
    answers: Sequence[Answer],
    model: VQAModel,
    people: str,
    made_by: dict[str, Any],
) -> None:
    layers = made_by["layers"]
    nothing = Explanation("", None, -1, np.zeros((len(layers), model.grid, model.grid), np.float32))
    told = [answer.explanation or nothing for answer in answers]
    write_prior(
        path,
        block.sample_id,
        np.stack([one.heatmap for one in told]) if told else np.zeros((0, *nothing.heatmap.shape)),
        np.array([answer.explanation is not None for answer in answers], bool),
        {
            "question": np.array([question.text for question in block.asked], object),
            "answer": np.array([one.answer for one in told], object),
            "noun": np.array([one.noun or "" for one in told], object),
            "token_index": np.array([one.token_index for one in told], np.int64),
            "batch": np.array([answer.batch for answer in answers], np.int64),
            "problem": np.array([answer.problem for answer in answers], object),
        },
        layers=layers,
        people=people,
        made_by=made_by,
    )
