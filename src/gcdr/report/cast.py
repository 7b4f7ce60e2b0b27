"""The test people of the paper's figures, with all that is drawn of them.

Test people: their annotators are known and nobody was trained on them, and their maps are made exactly as
pseudo-labels of unlabelled people are. The hidden labels of those are never read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.data.heatmaps import gaussians, minmax, peak_points, resize
from gcdr.data.lookup import places
from gcdr.data.manifest import BODY, BOX, people_digest, read_annotations, read_people
from gcdr.data.parquet import read_rows, read_table
from gcdr.data.pictures import open_image
from gcdr.data.shown import split_identity
from gcdr.data.stores import read_labels, read_prior
from gcdr.evaluation.metrics import point_distances
from gcdr.evaluation.shown_people import by_raw_map
from gcdr.evaluation.stepwise import PEOPLE, Way, read_step_maps
from gcdr.report.overlays import PixelBox, panel
from gcdr.report.panels import Tile
from gcdr.settings.reporting import FigureSettings

PIXELS = 300  # longer side of a picture


@dataclass(frozen=True)
class ShownPerson:
    """A test person.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        head_box: pixels of the image.
        body_box: pixels of the image, None where no body was found.
        raw: (G, G) float32 in [0, 1], the raw map at the size of labels.
        annotations: (A, 2) float, the annotators' points in 0..1 of width and height.
        label: (G, G) float32, the label this person would have: a Gaussian at the mean of those points.
        answer: what the VQA model said.
    """

    image: np.ndarray
    head_box: PixelBox
    body_box: PixelBox | None
    raw: np.ndarray
    annotations: np.ndarray
    label: np.ndarray
    answer: str

    def scene(self) -> Tile:
        """The picture with both boxes and the answer."""
        boxes = {"head_box": self.head_box, "body_box": self.body_box}
        answer = f"“{self.answer}”" if self.answer else ""
        return Tile(panel(self.image, **boxes, answer=answer, size=PIXELS))

    def map(self, heatmap: np.ndarray, note: str | None = None) -> Tile:
        """A map (h, w), and below it its distance or a note."""
        said = f"{self.distance(heatmap):.2f}" if note is None else note
        return Tile(self._over(heatmap, self.annotations.mean(0, keepdims=True)), said)

    def truth(self) -> Tile:
        """The label, and each annotator."""
        return Tile(self._over(self.label, self.annotations))

    def distance(self, heatmap: np.ndarray) -> float:
        """From the peak of a map (h, w) to the mean of the annotators' points, the image's sides being 1."""
        peak = peak_points(torch.from_numpy(heatmap)[None]).numpy()
        return float(point_distances(peak, self.annotations[None])["dist_to_mean"][0])

    def _over(self, heatmap: np.ndarray, points: np.ndarray) -> Image.Image:
        return panel(
            self.image, heatmap, head_box=self.head_box, points=points, size=PIXELS, top=1.0
        )


@dataclass(frozen=True)
class Cast:
    """The files that figures are made of.

    Attributes:
        settings: where the study lies, and how its maps become heatmaps.
        scores: each test person's scores of the raw maps.
        stores: label stores of test people by method.
        steps: store of the diffusion model's steps, for figures that show them.
    """

    settings: FigureSettings
    scores: Path
    stores: Mapping[str, Path]
    steps: Path | None = None

    @property
    def study(self) -> str:
        """The name of the study."""
        return Path(self.settings.shown.study).parts[-2]

    @cached_property
    def _people(self) -> pd.DataFrame:
        return read_people(Path(self.settings.shown.manifest))

    @cached_property
    def _digest(self) -> str:
        return people_digest(self._people)

    @cached_property
    def _split(self) -> str:
        return split_identity(Path(self.settings.shown.study) / "labels.parquet")["digest"]

    @cached_property
    def tested(self) -> pd.DataFrame:
        """Scores of the raw maps of the N test people who look into the frame."""
        return read_table(self.scores)

    @cached_property
    def mapped(self) -> np.ndarray:
        """(N,) bool: which of them have a raw map."""
        return self._raw(self.tested["sample_id"].to_numpy())[1]

    def rows(self, ids: np.ndarray) -> pd.DataFrame:
        """People's rows of the manifest."""
        known = self._people["sample_id"].to_numpy()
        return self._people.iloc[places(known, ids, self.settings.shown.manifest)]

    def points(self, ids: np.ndarray) -> np.ndarray:
        """The annotators' points (N, A, 2) of people, padded with NaN."""
        return read_annotations(Path(self.settings.shown.annotations), ids, self._digest)

    def by_raw_map(self, count: int) -> list[tuple[str, int]]:
        """Kind and ``sample_id`` of people whose raw map is right, and wrong; ``count`` of each.

        Raises:
            InputError: there is nobody.
        """
        kinds = by_raw_map(self.tested, self.mapped, PEOPLE)
        chosen = [(kind, int(one)) for kind, ids in kinds.items() for one in ids[:count]]
        if not chosen:
            raise InputError(f"{self.scores}: nobody's raw map is right or wrong; expected people")
        return chosen

    def made(self, method: str, ids: np.ndarray) -> np.ndarray:
        """Maps (N, G, G) float32 of people, by a method, in the order of ``ids``."""
        return read_labels(self.stores[method], self._digest, ids, self._split).heatmap

    def stepped(self, ids: np.ndarray) -> tuple[Way, dict[Way, np.ndarray]]:
        """As :func:`gcdr.evaluation.stepwise.read_step_maps`.

        Raises:
            InputError: no such store was given.
        """
        if self.steps is None:
            raise InputError("steps: found no store of steps, expected one")
        return read_step_maps(self.steps, self._digest, ids, self._split)

    def people(self, ids: np.ndarray) -> list[ShownPerson]:
        """People as they are drawn, in the order of ``ids``."""
        shown, maps = self.settings.shown, self.settings.maps
        points, (raw, _, answers) = self.points(ids), self._raw(ids)
        labels = gaussians(torch.from_numpy(np.nanmean(points, 1)), maps.size, maps.sigma).numpy()
        bodies = read_rows(Path(shown.bodies), self._digest, ids, [*BODY, "detected"])
        rows = zip(self.rows(ids).itertuples(), bodies.itertuples(), strict=True)
        return [
            ShownPerson(
                np.asarray(open_image(Path(shown.images, row.image))),
                tuple(float(getattr(row, name)) for name in BOX),
                tuple(float(getattr(body, name)) for name in BODY) if body.detected else None,
                raw[number],
                points[number][np.isfinite(points[number]).all(1)],
                labels[number],
                answers[number],
            )
            for number, (row, body) in enumerate(rows)
        ]

    def _raw(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """Raw maps (N, G, G) in [0, 1], who has one, and the answers."""
        shown, maps = self.settings.shown, self.settings.maps
        store = read_prior(shown.prior, self._digest, ids, maps.layer, shown.prior_made_by)
        heatmap, peaked = minmax(resize(torch.from_numpy(store.heatmap), maps.size))
        answers = store.columns.get("answer", np.full(len(ids), ""))
        return heatmap.numpy(), peaked.numpy() & store.valid, [str(answer) for answer in answers]
