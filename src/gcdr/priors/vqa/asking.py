"""Asking a VQA model about every person: the stage that fills a prior store.

People are asked about in fixed blocks in the order of ``sample_id`` (:mod:`gcdr.base.blocks`), so a killed
shard goes on where it stopped.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from gcdr.base.blocks import Blocks, shard_rows, work_key
from gcdr.base.device import one_thread
from gcdr.base.failures import Failures
from gcdr.base.files import read_json
from gcdr.base.plain import JsonTable
from gcdr.data.prior_shards import concatenate_priors
from gcdr.data.stores import read_columns, write_prior
from gcdr.priors.carried import moved_map
from gcdr.priors.inquiry import (
    Batches,
    Block,
    Outcome,
    Question,
    chosen_people,
    outlined_picture,
    read_blocks,
)
from gcdr.priors.kinds.vqa_kind import Asked, AskSettings
from gcdr.priors.vqa.blip import BlipForVQA
from gcdr.priors.vqa.gradcam import check_layers
from gcdr.priors.vqa.nouns import WordFinder, find_tagger
from gcdr.priors.vqa.ofa.layouts import BLIP
from gcdr.priors.vqa.ofa.search import Search
from gcdr.priors.vqa.ofa_vqa import Explanation, OFAForVQA, VQAModel
from gcdr.priors.vqa.question import image_array


def load_vqa(weights: Path, settings: Asked, finder: WordFinder, device: torch.device) -> VQAModel:
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


def vqa_picture(question: Question, images: Path, size: int, settings: Asked) -> np.ndarray:
    """The picture of a question as the model sees it, (3, size, size) float32 in [-1, 1].

    Raises:
        InputError: the image cannot be read or is of another size, or the box lies outside it.
    """
    return image_array(outlined_picture(question, images, settings), size)


def _checked(outcome: Outcome[Explanation]) -> Outcome[Explanation]:
    if outcome.found is None or np.isfinite(outcome.found.heatmap).all():
        return outcome
    return Outcome(None, outcome.batch, "the model's map is not finite")


def _carried(outcome: Outcome[Explanation], by: np.ndarray) -> Outcome[Explanation]:
    """What came of a question about an earlier frame, its map moved with the head."""
    if outcome.found is None or not by.any():
        return outcome
    moved = moved_map(outcome.found.heatmap, by)
    return replace(outcome, found=replace(outcome.found, heatmap=moved))


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
    people, found, digest = chosen_people(manifest, bodies, settings.which)
    tagger, tag = find_tagger(settings.tagger)
    model = load_vqa(weights, settings, WordFinder(tag, settings.word), device)
    check_layers(settings.layers, model.depth)
    texts = settings.questions
    model.check_questions([getattr(texts, settings.overlay), texts.none])
    made_by = {**settings.to_json(), "tagger": tagger, "depth": model.depth}
    rows = shard_rows(len(people), settings.block, shard, shards)
    files = [bodies, *sorted(path for path in weights.iterdir() if path.is_file())]
    key = work_key(made_by, digest, people["sample_id"].to_numpy(), files, __file__, device)
    pictures = [images / name for name in people["image"]]
    blocks = Blocks.of(out, rows, settings.block, key, pictures)
    left = blocks.left(lambda part: read_columns(part)["valid"].all())
    failed = Failures("not asked", len(rows), failures)

    def explain(arrays: list[np.ndarray], text: str) -> list[Explanation]:
        batch = torch.from_numpy(np.stack(arrays))
        return model.explain(batch, [text] * len(batch), settings.layers)

    batches = Batches(explain, settings.block)
    # Only reading takes several threads, so that their number never changes a bit.
    with one_thread(), ThreadPoolExecutor(workers) as pool:
        read = read_blocks(
            pool, people, found, left, rows.stop, settings,
            lambda one: vqa_picture(one, images, model.image_size, settings), settings.every,
        )  # fmt: skip
        title = f"asking, shard {shard} of {shards}"
        for block in tqdm(read, title, len(left), unit="block", mininterval=5):
            answers = batches.answer(block.pictures)
            outcomes = [
                _carried(_checked(answers[question]), by)
                for question, by in zip(block.asked, block.motion, strict=True)
            ]
            for sample_id, outcome in zip(block.sample_id, outcomes, strict=True):
                if outcome.found is None:
                    failed.add([sample_id], outcome.problem)
            _write(blocks.parts[block.start], block, outcomes, model, digest, made_by)
    concatenate_priors(list(blocks.parts.values()), out)
    blocks.remove()


def _write(
    path: Path,
    block: Block,
    answers: Sequence[Outcome[Explanation]],
    model: VQAModel,
    people: str,
    made_by: JsonTable,
) -> None:
    layers = made_by["layers"]
    nothing = Explanation("", None, -1, np.zeros((len(layers), model.grid, model.grid), np.float32))
    explanations = [answer.found or nothing for answer in answers]
    write_prior(
        path,
        block.sample_id,
        np.array([one.heatmap for one in explanations]).reshape(-1, *nothing.heatmap.shape),
        np.array([answer.found is not None for answer in answers], bool),
        {
            "question": np.array([question.text for question in block.asked], object),
            "answer": np.array([one.answer for one in explanations], object),
            "noun": np.array([one.noun or "" for one in explanations], object),
            "token_index": np.array([one.token_index for one in explanations], np.int64),
            "batch": np.array([answer.batch for answer in answers], np.int64),
            "problem": np.array([answer.problem for answer in answers], object),
        },
        layers=layers,
        people=people,
        made_by=made_by,
    )
