"""The gallery: a page on which people look at pseudo-labels of their own images and correct them.

The page needs no server. Its pictures are files in a folder beside it, which a browser reads as it comes to
them; corrections stay in the browser and are written as the CSV that ``gcdr correct`` takes.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
from markupsafe import Markup
from PIL import Image, ImageDraw

from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.data.manifest import (
    BODY,
    BOX,
    IGNORED,
    heads_digest,
    people_digest,
    read_annotation_table,
    read_people,
)
from gcdr.data.parquet import read_rows
from gcdr.data.pictures import open_image
from gcdr.data.shown import read_shown
from gcdr.data.split import UNLABELLED
from gcdr.data.stores import Store, read_labels, read_prior
from gcdr.datasets.corrections import CORRECTION_COLUMNS
from gcdr.report.overlays import BODY_GREEN, HEAD_YELLOW, blur_heads, overlay_heatmap, peak
from gcdr.report.page import fill_template, page_part
from gcdr.report.typeset import write_text
from gcdr.settings.reporting import GallerySettings

SIDE = 480  # pixels of the longer side of a picture
QUALITY = 80  # of a JPEG, of 100
VIEWS = {
    "scene": "Scene",
    "prior": "Prior map",
    "label": "Pseudo-label",
    "prediction": "Student’s prediction",
}
"""The pictures of a person: how their files end, and what they show."""

DOUBTS = {
    "expected_error": "Expected error",
    "entropy": "Entropy of the map",
    "peak": "What the map’s peak lacks of 1",
}
"""Columns of a label store that tell how sure a label is, the best first, and what they are called."""

Spot = tuple[float, float]


@dataclass(frozen=True)
class GalleryFiles:
    """What a gallery is made of.

    Attributes:
        manifest: the manifest.
        annotations: the points of test people, where they have one.
        bodies: body boxes.
        prior: prior store.
        refined: label store of the refined maps of all people.
        predicted: label store of a student's heatmaps of all people; None where no student is asked.
        labels: what a label split shows; None where no split is of these people.
    """

    manifest: Path
    annotations: Path
    bodies: Path
    prior: Path
    refined: Path
    predicted: Path | None = None
    labels: Path | None = None


@dataclass(frozen=True)
class GalleryPerson:
    """One person of a gallery.

    Attributes:
        sample_id: number in the manifest.
        image: name of the image.
        box: head box in pixels.
        size: width and height of the pictures in pixels.
        answer: what a prior said is looked at; may be empty.
        doubt: how unsure the pseudo-label is, NaN where that is not known.
        pseudo, predicted: points in 0..1 of the pseudo-label and of the student; None for empty maps.
        label: the point of a known label, in the same unit.
        outside: whether a known label says that they look out of the frame.
    """

    sample_id: int
    image: str
    box: tuple[float, ...]
    size: tuple[int, int]
    answer: str = ""
    doubt: float = np.nan
    pseudo: Spot | None = None
    predicted: Spot | None = None
    label: Spot | None = None
    outside: bool = False

    @property
    def error(self) -> float:
        """From the pseudo-label to the known label, in units of the image; NaN where there is none."""
        if self.label is None or self.pseudo is None:
            return np.nan
        return float(np.hypot(self.pseudo[0] - self.label[0], self.pseudo[1] - self.label[1]))

    @property
    def stem(self) -> str:
        """How the names of their pictures begin."""
        return f"{self.sample_id:07d}"


def build_gallery(
    title: str,
    notice: str,
    people: Sequence[GalleryPerson],
    pictures: str,
    digest: str,
    summary: str = "",
    doubt: str = "peak",
    views: Sequence[str] = tuple(VIEWS),
) -> str:
    """The page.

    Args:
        title: heading of the page.
        notice: shown at the top with emphasis, for example what the weights have seen.
        people: whom it shows.
        pictures: the folder of their pictures as seen from the page.
        digest: of the data set's people, :func:`gcdr.data.manifest.heads_digest`.
        summary: a paragraph below the notice; may be empty.
        doubt: which of ``DOUBTS`` people's ``doubt`` is.
        views: which of ``VIEWS`` there are pictures of.

    Raises:
        InputError: no notice (a gallery never goes without).
    """
    if not notice.strip():
        raise InputError("gallery: no notice")
    script = page_part("gallery.js")
    script_hash = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
    return fill_template(
        "gallery.html.j2",
        "gallery.css",
        title=title,
        notice=notice,
        summary=summary,
        people=people,
        folder=quote(pictures),
        digest=digest,
        columns=",".join(CORRECTION_COLUMNS),
        views={view: VIEWS[view] for view in views},
        students="prediction" in views,
        doubt=DOUBTS[doubt],
        answers=sorted({person.answer for person in people if person.answer}),
        judged=any(not np.isnan(person.error) for person in people),
        script=Markup(script),
        script_hash=script_hash,
    )


def write_gallery(
    files: GalleryFiles,
    settings: GallerySettings,
    pictures: Path,
    out: Path,
    prior_made_by: Mapping[str, Any] | None = None,
) -> None:
    """The page and its pictures: of each person the scene, the prior's map, the refined one and, where a
    student is asked, its prediction. Ignored people are left out.

    Args:
        files: what it is made of.
        settings: what else decides it.
        pictures: folder to write the pictures to; it lies beside the page or below.
        out: the page.
        prior_made_by: the settings that must have made the prior store, as far as they are known.

    Raises:
        InputError: files that are damaged, of other people, or of other settings.
    """
    everybody = read_people(files.manifest)
    digest, boxes = people_digest(everybody), everybody.groupby("image")[BOX]
    people = everybody[everybody["split"] != IGNORED].reset_index(drop=True)
    ids = people["sample_id"].to_numpy()
    store = read_prior(files.prior, digest, ids, settings.layer, prior_made_by)
    refined = read_labels(files.refined, digest, ids)
    student = None if files.predicted is None else read_labels(files.predicted, digest, ids)
    stores = {"prior": store, "label": refined} | ({"prediction": student} if student else {})
    bodies = read_rows(files.bodies, digest, ids, [*BODY, "detected"])
    known = known_labels(files, digest).reindex(ids)
    doubt, name = doubts(refined)
    answers = store.columns.get("noun", store.columns["answer"])
    shown: list[GalleryPerson] = []
    with atomic(pictures) as temporary:
        temporary.mkdir()
        for image, rows in people.groupby("image", sort=False).indices.items():
            rows = rows[refined.valid[rows]]  # else there is no map, and perhaps no picture
            if not len(rows):
                continue
            pixels = np.asarray(open_image(Path(settings.images, str(image))))
            if settings.blur:
                pixels = blur_heads(pixels, boxes.get_group(image).to_numpy(float))
            small = fitted(pixels, SIDE)
            for row in rows.tolist():
                box, body = people.loc[row, BOX].to_numpy(float), bodies.iloc[row]
                drawn = {"scene": small} | {
                    view: overlay_heatmap(small, held.heatmap[row]) for view, held in stores.items()
                }
                scale = small.shape[1] / pixels.shape[1]
                framed = {HEAD_YELLOW: box * scale}
                if body["detected"]:
                    framed[BODY_GREEN] = body[BODY].to_numpy(float) * scale
                x, y, outside = known.iloc[row][["gaze_x", "gaze_y", "outside"]]
                person = GalleryPerson(
                    int(ids[row]),
                    str(image),
                    tuple(box.tolist()),
                    (small.shape[1], small.shape[0]),
                    str(answers[row]),
                    float(doubt[row]),
                    peak(refined.heatmap[row]),
                    None if student is None else peak(student.heatmap[row]),
                    None if pd.isna(x) else (float(x), float(y)),
                    outside is True,
                )
                _save(drawn, framed, temporary / person.stem)
                shown.append(person)
    left = len(people) - len(shown)
    ignored = len(everybody) - len(people)
    count = f"{len(shown)} people" + (
        f"; {left} without a pseudo-label are not shown" if left else ""
    )
    count += f"; {ignored} of whom nobody can tell are left out" if ignored else ""
    folder = pictures.relative_to(out.parent).as_posix()
    page = build_gallery(
        "Pseudo-labels",
        settings.notice,
        shown,
        folder,
        heads_digest(everybody),
        count,
        name,
        ["scene", *stores],
    )
    write_text(page, out)


def known_labels(files: GalleryFiles, people: str) -> pd.DataFrame:
    """What is known of where people look, from a label split and from test annotators.

    Returns:
        ``gaze_x``, ``gaze_y`` (the mean of several annotators, NaN without a point) and ``outside`` (bool) by
        ``sample_id``; nobody without a label is in it.
    """
    points = read_annotation_table(files.annotations, people)
    points = points.groupby("sample_id")[["gaze_x", "gaze_y"]].mean()
    parts = [points.assign(outside=points["gaze_x"].isna())]
    if files.labels is not None:
        shown = read_shown(files.labels, people).set_index("sample_id")
        shown = shown[(shown["role"] != UNLABELLED).to_numpy()]
        outside = shown["in_frame"].eq(False).fillna(False).astype(bool)
        parts.append(shown[["gaze_x", "gaze_y"]].astype(float).assign(outside=outside))
    found = pd.concat(parts)
    return found.assign(outside=found["outside"].astype(object))


def doubts(labels: Store) -> tuple[np.ndarray, str]:
    """How unsure labels are, (N,) float64, larger for the less sure ones, and which of ``DOUBTS`` that is."""
    name = next((name for name in DOUBTS if name in labels.columns), "")
    if name in ("", "peak"):
        return 1 - labels.heatmap.reshape(len(labels.heatmap), -1).max(1).astype(float), "peak"
    return labels.columns[name].astype(float), name


def fitted(image: np.ndarray, side: int) -> np.ndarray:
    """A picture, (H, W, 3) uint8, whose longer side has ``side`` pixels."""
    whole = Image.fromarray(image)
    scale = side / max(whole.size)
    size = (max(1, round(whole.width * scale)), max(1, round(whole.height * scale)))
    return np.asarray(whole.resize(size, Image.Resampling.LANCZOS))


def _save(
    drawn: Mapping[str, np.ndarray], framed: Mapping[tuple[int, ...], np.ndarray], stem: Path
) -> None:
    """Write pictures by view, with boxes by colour."""
    for view, pixels in drawn.items():
        canvas = Image.fromarray(pixels)
        draw = ImageDraw.Draw(canvas)
        for colour, box in framed.items():
            draw.rectangle([round(value) for value in box.tolist()], outline=colour, width=2)
        canvas.save(stem.with_name(f"{stem.name}-{view}.jpg"), "JPEG", quality=QUALITY)
