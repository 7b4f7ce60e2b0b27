"""Person detection, and the match of head boxes to detected bodies.

Each image is detected once, however many people of the manifest are in it; each person then gets
the detected box that overlaps the head most, or none (Miao et al., ECCV 2024).
"""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from gcdr.base.blocks import Blocks, shard_rows, work_key
from gcdr.base.errors import InputError
from gcdr.base.failures import Failures
from gcdr.data.manifest import BODY, BOX, people_digest, read_people
from gcdr.data.parquet import read_table, write_table
from gcdr.data.pictures import open_image
from gcdr.detection.choices import DetectSettings
from gcdr.detection.detector import detect, detector_files, load_detector
from gcdr.detection.from_torchvision import MaskRCNN
from gcdr.detection.joined import write_together

Measure = Literal["head_area", "iou"]


def match_bodies(
    head_boxes: np.ndarray,
    body_boxes: np.ndarray,
    scores: np.ndarray,
    threshold: float = 0.5,
    measure: Measure = "head_area",
) -> tuple[np.ndarray, np.ndarray]:
    """For each head the body that "maximally overlaps" it (Miao et al., ECCV 2024).

    Of equal overlaps the higher score wins, then the smaller box. Heads are matched one by one, so
    two heads may get the same body, as the paper's rule has it.

    Args:
        head_boxes: (n, 4) x0, y0, x1, y1.
        body_boxes: (m, 4) in the same units.
        scores: (m,) of the bodies.
        threshold: a smaller overlap is no match; no overlap never is one. The paper names none.
        measure: overlap as intersection over the head's area, or over the union.

    Returns:
        index (n,) int64 into the bodies, -1 for none; and the greatest overlap (n,) in 0..1.
    """
    if not len(body_boxes):
        return np.full(len(head_boxes), -1), np.zeros(len(head_boxes))
    overlap = _overlap(head_boxes, body_boxes, measure)
    preference = np.lexsort((_area(body_boxes), -scores))
    index = preference[overlap[:, preference].argmax(1)]
    best = np.take_along_axis(overlap, index[:, None], 1)[:, 0]
    return np.where((best >= threshold) & (best > 0), index, -1), best


def _overlap(heads: np.ndarray, bodies: np.ndarray, measure: Measure) -> np.ndarray:
    """(n, m) overlaps; 0 for heads without area."""
    low = np.maximum(heads[:, None, :2], bodies[None, :, :2])
    high = np.minimum(heads[:, None, 2:], bodies[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    whole = np.broadcast_to(_area(heads)[:, None], shared.shape)
    if measure == "iou":
        whole = whole + _area(bodies) - shared
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def _area(boxes: np.ndarray) -> np.ndarray:
    return np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1)


def detect_bodies(
    people: pd.DataFrame,
    root: Path,
    detector: MaskRCNN,
    *,
    threshold: float = 0.5,
    measure: Measure = "head_area",
) -> pd.DataFrame:
    """Body boxes of the people in one batch of images; who is in one that cannot be read gets none.

    Args:
        people: the columns of ``gcdr.data.manifest.PEOPLE``.
        root: folder that ``image`` is relative to.
        detector: of ``load_detector``, on the device to compute on.
        threshold: least overlap of a head with its body.
        measure: see ``match_bodies``. The part of a head outside the image counts for nothing.

    Returns:
        one row a person in the order of ``people``: ``sample_id``, ``body_x0 body_y0 body_x1
        body_y1`` (pixels) and ``score``, which are NaN where no body was found, ``detected``, and
        ``problem``: why the image could not be read or is not of the manifest's size, else empty.
    """
    rows = people.reset_index(drop=True).groupby("image", sort=True).indices
    size = people[["width", "height"]].to_numpy(int)
    heads = np.clip(people[BOX].to_numpy(float), 0, size[:, [0, 1, 0, 1]])
    bodies = np.full((len(people), 5), np.nan)
    problem, images = np.full(len(people), "", object), {}
    for name, own in rows.items():
        try:
            images[name] = open_image(root / name, tuple(size[own[0]].tolist()))
        except InputError as error:
            problem[own] = str(error)
    detected = detect(detector, list(images.values()))
    for name, (boxes, scores) in zip(images, detected, strict=True):
        index, _ = match_bodies(heads[rows[name]], boxes, scores, threshold, measure)
        found = rows[name][index >= 0]
        bodies[found] = np.column_stack([boxes, scores])[index[index >= 0]]
    table = pd.DataFrame(bodies, columns=[*BODY, "score"])
    table.insert(0, "sample_id", people["sample_id"].to_numpy())
    return table.assign(detected=table["score"].notna(), problem=problem)


def detect_people(
    manifest: Path,
    images: Path,
    weights: Path,
    annotated: Path | None,
    settings: DetectSettings,
    shard: int,
    shards: int,
    failures: float,
    device: torch.device,
    out: Path,
) -> None:
    """Find the bodies of a shard's people and write the table of :func:`detect_bodies`.

    A shard is a run of images in the order of their names, in whole batches, so that the number of
    shards never changes a batch. Batches that are done are kept until the shard is whole.

    Args:
        manifest: the manifest.
        images: folder that image names are relative to.
        weights: of the detector, see :func:`gcdr.detection.detector.load_detector`.
        annotated: bodies that came with the data set; these people are not detected. Or None.
        settings: how many images are detected together, and what a match is.
        shard: 1..shards.
        shards: number of shards.
        failures: share of the shard's people whose image may fail, 0 to 1.
        device: where to compute.
        out: the shard.

    Raises:
        InputError: more failed, or the weights cannot be read.
    """
    people, batch = read_people(manifest), settings.batch
    digest, files = people_digest(people), detector_files(weights)
    if annotated is not None:
        people = people[
            ~people["sample_id"].isin(read_table(annotated, people=digest)["sample_id"])
        ]
        files.append(annotated)
    names, image = np.unique(people["image"].to_numpy(str), return_inverse=True)
    rows = shard_rows(len(names), batch, shard, shards)
    detector = load_detector(weights).to(device)
    chosen = people["sample_id"].to_numpy()
    key = work_key(settings.to_json(), digest, chosen, files, __file__, device)
    blocks = Blocks.of(out, rows, batch, key, [images / name for name in names])
    failed = Failures("not detected", int(np.isin(image, rows).sum()), failures)
    left = blocks.left(lambda part: (read_table(part)["problem"] == "").all())
    title = f"detecting people, shard {shard} of {shards}"
    for start in tqdm(left, title, unit="batch", mininterval=5):
        asked = people[(image >= start) & (image < min(start + batch, rows.stop))]
        found = detect_bodies(
            asked, images, detector, threshold=settings.overlap, measure=settings.measure
        )
        for person in found[found["problem"] != ""].itertuples():
            failed.add([person.sample_id], person.problem)
        write_table(found, blocks.parts[start], digest)
    parts = [read_table(part, people=digest) for part in blocks.parts.values()]
    write_together(parts, out, digest)
    blocks.remove()
