"""Asking a VQA model about every person: the stage that fills a prior store."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from gcdr.manifest import people_digest, read_people
from gcdr.pictures import open_image
from gcdr.stores import write_prior
from gcdr.vqa.model import Explanation, OFAForVQA, VQAModel
from gcdr.vqa.ofa.search import Search
from gcdr.vqa.question import draw_box, image_array


def shard_rows(people: int, block: int, shard: int, shards: int) -> range:
    """Rows of a shard: whole blocks, so that the number of shards never changes a batch.

    Args:
        people: number of people.
        block: people computed together.
        shard: 1..shards.
        shards: number of shards.
    """
    blocks = -(-people // block)
    first, last = (blocks * part // shards * block for part in (shard - 1, shard))
    return range(min(first, people), min(last, people))


def ask_people(
    manifest: Path,
    images: Path,
    bodies: Path,
    weights: Path,
    settings: dict[str, Any],
    shard: int,
    shards: int,
    device: torch.device,
    out: Path,
) -> None:
    """Ask about the people of a shard and write their Grad-CAM maps (paper, Sec. 3.2).

    A person whose body was found is outlined in the picture; of the others the question without a box
    is asked.

    Args:
        manifest: the manifest.
        images: folder that image names are relative to.
        bodies: body boxes of the people.
        weights: folder of the VQA model.
        settings: the configuration's ``prior`` section.
        shard: 1..shards.
        shards: number of shards.
        device: where to compute.
        out: the shard.
    """
    people = read_people(manifest)
    found = pd.read_parquet(bodies).set_index("sample_id").loc[people["sample_id"]]
    search = Search(beam=settings["beam"], max_length=settings["max_length"])
    model = OFAForVQA.load(weights, device, search)
    rows = shard_rows(len(people), settings["block"], shard, shards)
    answers: list[Explanation] = []
    starts = range(rows.start, rows.stop, settings["block"])
    for start in tqdm(starts, f"asking, shard {shard} of {shards}", unit="block", mininterval=5):
        part = slice(start, min(start + settings["block"], rows.stop))
        answers += _ask_block(model, people[part], found[part], images, settings)
    grid = model.image_size // 16
    maps = (
        np.stack([answer.heatmap for answer in answers])
        if answers
        else np.empty((0, len(settings["layers"]), grid, grid))
    )
    write_prior(
        out,
        people["sample_id"].to_numpy()[rows.start : rows.stop],
        maps,
        np.isfinite(maps).all((1, 2, 3)),
        {
            "answer": np.array([answer.answer for answer in answers], object),
            "noun": np.array([answer.noun or "" for answer in answers], object),
            "token_index": np.array([answer.token_index for answer in answers], np.int64),
        },
        layers=settings["layers"],
        people=people_digest(people),
        made_by={key: value for key, value in settings.items() if key != "shards"},
    )


def _ask_block(
    model: VQAModel,
    people: pd.DataFrame,
    bodies: pd.DataFrame,
    images: Path,
    settings: dict[str, Any],
) -> list[Explanation]:
    """Ask about a block of people; boxed and plain questions differ in length and go apart."""
    pictures, questions = [], []
    boxes = bodies[["body_x0", "body_y0", "body_x1", "body_y1"]].to_numpy()
    for name, box, detected in zip(people["image"], boxes, bodies["detected"], strict=True):
        picture = open_image(images / name)
        if detected:
            colour = tuple(settings["box_colour"])
            picture = draw_box(picture, tuple(box), colour, settings["box_thickness"])
        questions.append(settings["question" if detected else "question_without_box"])
        pictures.append(image_array(picture, model.image_size))
    answers: list[Explanation | None] = [None] * len(questions)
    for question in sorted(set(questions)):
        rows = [row for row, asked in enumerate(questions) if asked == question]
        batch = torch.from_numpy(np.stack([pictures[row] for row in rows]))
        for row, answer in zip(
            rows, model.explain(batch, [question] * len(rows), settings["layers"]), strict=True
        ):
            answers[row] = answer
    return [answer for answer in answers if answer is not None]
