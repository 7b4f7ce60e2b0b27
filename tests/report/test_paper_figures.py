"""The paper's figures from a small study's files: whom they show, their panels, and the same bytes twice."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from tiny_study import (
    CPU,
    DIFFUSION,
    GAZE,
    LABELS,
    REFINE,
    Study,
    make_study,
    pictures_of,
)

from gcdr.base.errors import InputError
from gcdr.data import parquet
from gcdr.data.heatmaps import gaussians
from gcdr.data.manifest import (
    BODY,
    BOX,
    people_digest,
    read_annotated,
    read_annotations,
    read_people,
    write_table,
)
from gcdr.data.split import split_labels
from gcdr.data.stores import write_prior
from gcdr.evaluation.shown_people import RIGHT, WRONG
from gcdr.evaluation.stages import evaluate_prior
from gcdr.evaluation.stepwise import write_step_maps
from gcdr.refine.labels import make_labels
from gcdr.refine.options import LabelSettings
from gcdr.report.cast import Cast
from gcdr.report.overlays import overlay_heatmap
from gcdr.report.panels import Plate, Row, Tile, draw_plate
from gcdr.report.paper_figures import PAPER_FIGURES
from gcdr.report.plates import PLATES, write_paper_figure
from gcdr.settings.reporting import FigureSettings, ShownStudy
from gcdr.training.denoising import train_diffusion_model
from gcdr.training.gaze import train_gaze_model

pytestmark = pytest.mark.slow


def planted_prior(study: Study) -> None:
    """Raw maps: of every second test person at the annotators' mean, of the others in the far corner."""
    people = read_people(study.manifest)
    digest, ids = people_digest(people), people["sample_id"].to_numpy()
    tested = people.loc[people["split"] == "test", "sample_id"].to_numpy()
    points = np.full((len(people), 2), 0.5)
    means = np.nanmean(read_annotations(study.annotations, tested, digest), 1)
    far = np.where(means < 0.5, 0.95, 0.05)
    even = (np.arange(len(tested)) % 2 == 0)[:, None]
    points[np.isin(ids, tested)] = np.where(even, means, far)
    maps = gaussians(torch.from_numpy(points), 8, 1.0).numpy()[:, None]
    columns = {"answer": ["the ball"] * len(people)}
    about = {"layers": [1], "people": digest, "made_by": {}}
    write_prior(study.prior, ids, maps, np.ones(len(ids), bool), columns, **about)


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """A study with all that the figures are made of."""
    folder = tmp_path_factory.mktemp("figures") / "tiny/labels40-seed0"
    folder.mkdir(parents=True)
    study = make_study(folder, test=16)
    planted_prior(study)
    people = read_people(study.manifest)
    labels, scores, steps = (
        folder / f"{name}" for name in ("labels.parquet", "raw.parquet", "s.h5")
    )
    write_table(split_labels(read_annotated(study.manifest), 40, 0.2, 0), labels)
    bodies = people[["sample_id"]].assign(
        **dict(zip(BODY, (people[name] for name in BOX), strict=True)), detected=True
    )
    parquet.write_table(bodies, folder / "bodies.parquet", people_digest(people))
    evaluate_prior(
        study.prior,
        study.samples,
        study.manifest,
        study.annotations,
        LABELS.maps,
        {},
        scores.with_suffix(".json"),
    )
    given = pictures_of(study, labels)
    vat, diffusion = folder / "vat", folder / "diffusion"
    train_gaze_model(*given, None, None, None, GAZE, 0, CPU, vat)
    train_diffusion_model(*given, None, DIFFUSION, 0, CPU, diffusion)
    noise = LabelSettings(LABELS.maps, "diffusion", refine=replace(REFINE, timestep=None))
    ways = {
        "semi-vat": (None, vat, LabelSettings(LABELS.maps, "gaze")),
        "no-gradcam": (None, diffusion, noise),
        "gcdr": (study.prior, diffusion, LABELS),
    }
    stores = {method: folder / f"{method}.h5" for method in ways}
    for method, (prior, teacher, settings) in ways.items():
        place = stores[method]
        whose = (study.manifest, labels, "test", study.samples)
        make_labels(method, *whose, prior, teacher, settings, 0, CPU, place)
    write_step_maps(
        diffusion, study.samples, study.manifest, labels, study.prior, scores, LABELS, 0, CPU, steps
    )
    shown = ShownStudy(
        *map(str, (folder, study.manifest, folder / "images", study.annotations)),
        *map(str, (folder / "bodies.parquet", study.prior)),
        layer=1,
        variant="gcdr-t250-n2-k1+tiny+vat",
    )
    yield Cast(FigureSettings(shown, LABELS.maps, 500), scores, stores, steps)


HEADINGS = {
    "figure4": ["Raw Grad-CAM", "VAT", "Diffusion\n(No Grad-CAM)", "GCDR", "Truth"],
    "figure5": ["Raw Grad-CAM", "t = 100", "t = 200", "t = 300", "t = 400", "Pure noise", "Truth"],
}


@pytest.mark.parametrize("figure", HEADINGS)
def test_right_and_wrong_raw_maps_are_shown(cast: Cast, figure: str) -> None:
    plate = PLATES[figure](cast)
    assert plate.columns == ["Scene and answer", *HEADINGS[figure]]
    count = {"figure4": 3, "figure5": 2}[figure]
    assert [row.name for row in plate.rows] == [
        *["raw map right"] * count,
        *["raw map wrong"] * count,
    ]
    for row in plate.rows:
        assert len(row.cells) == len(plate.columns) and all(cell.picture for cell in row.cells)
        raw = float(row.cells[1].note)
        assert raw <= RIGHT if row.name == "raw map right" else raw >= WRONG


def test_steps_stand_beside_one_another_from_the_map_and_from_noise(cast: Cast) -> None:
    plate = PLATES["figure_s3"](cast)
    two, five = ([f"step {n} of {count}" for n in range(1, count + 1)] for count in (2, 5))
    assert plate.columns == ["Raw Grad-CAM,\nor scene", *two, *five, "Truth"]
    assert [row.name.split("from ")[1] for row in plate.rows] == ["t = 250", "pure noise"] * 2
    ids = np.array([one for _, one in cast.by_raw_map(1)])
    _, made = cast.stepped(ids)
    person = cast.people(ids)[0]
    shown = [float(cell.note) for cell in plate.rows[0].cells[1:3]]
    assert shown == pytest.approx([person.distance(one) for one in made[250, 2][0]], abs=0.006)


def test_the_gallery_shows_twelve_people_with_their_truth(cast: Cast) -> None:
    plate = PLATES["figure1b"](cast)
    assert list(plate.columns) == ["Raw Grad-CAM", "Pseudo-label", "Truth"] * 3
    assert [len(row.cells) for row in plate.rows] == [9] * 4
    assert all(cell.picture for row in plate.rows for cell in row.cells)


def test_areas_are_shown_with_their_numbers(cast: Cast) -> None:
    """The stores are exchanged until somebody is found: which of two unlearned models is better is chance."""
    people = 0
    for broad, sharp in (("semi-vat", "gcdr"), ("gcdr", "semi-vat"), ("semi-vat", "semi-vat")):
        stores = {"semi-vat-gc": cast.stores[broad], "gcdr": cast.stores[sharp]}
        exchanged = replace(cast, stores=stores)
        if broad == sharp:
            with pytest.raises(InputError, match="nobody's refined map is nearer"):
                PLATES["figure_s2"](exchanged)
            continue
        try:
            plate = PLATES["figure_s2"](exchanged)
        except InputError:
            continue
        for row in plate.rows:
            notes = [cell.note.split() for cell in row.cells[1:3]]
            auc = [float(note[1].rstrip(",")) for note in notes]
            people += 1
            assert auc[0] >= auc[1]
    assert people


def test_figures_are_the_same_bytes_and_have_no_dates(cast: Cast, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.png", "a.pdf", "b.png", "b.pdf")]
    stores = {name: str(path) for name, path in cast.stores.items()}
    given = ("figure5", cast.settings, cast.scores, stores)
    write_paper_figure(*given, files[:2], cast.steps)
    write_paper_figure(*given, files[2:], cast.steps)
    first, second = ([path.read_bytes() for path in pair] for pair in (files[:2], files[2:]))
    assert first == second
    assert first[1].startswith(b"%PDF") and b"Date" not in first[1]
    width, height = Image.open(files[0]).size
    assert width > 900 and height > 300


def test_every_figure_has_a_plate() -> None:
    assert PLATES.keys() == PAPER_FIGURES.keys()


def test_nobody_to_show_is_said(cast: Cast, tmp_path: Path) -> None:
    scores = tmp_path / "raw.parquet"
    write_table(pd.read_parquet(cast.scores).assign(dist_to_mean=0.2), scores)
    with pytest.raises(InputError, match=r"raw.parquet: nobody's raw map is right or wrong"):
        PLATES["figure4"](replace(cast, scores=scores))


def test_maps_of_a_figure_are_on_one_scale() -> None:
    grey = np.full((8, 8, 3), 128, np.uint8)
    low, high = np.full((8, 8), 0.2), np.full((8, 8), 0.8)
    assert (overlay_heatmap(grey, low) == overlay_heatmap(grey, high)).all()
    on_one = [overlay_heatmap(grey, heatmap, 1.0).astype(int) for heatmap in (low, high)]
    assert np.abs(on_one[0] - on_one[1]).max() > 40
    assert (overlay_heatmap(grey, high, 1.0) == overlay_heatmap(grey, high / 2, 0.5)).all()


def test_a_plate_holds_pictures_of_any_shape_and_empty_places(tmp_path: Path) -> None:
    tall, wide = Image.new("RGB", (40, 90), "red"), Image.new("RGB", (90, 40), "blue")
    rows = [Row([Tile(tall, "0.10"), Tile()], "tall"), Row([Tile(wide), Tile(wide, "0.20")])]
    picture = tmp_path / "plate.png"
    picture.write_bytes(draw_plate(Plate(["one", "two"], rows, "Words. " * 60)))
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    red = (np.abs(pixels - [255, 0, 0]).sum(2) < 60).nonzero()
    blue = (np.abs(pixels - [0, 0, 255]).sum(2) < 60).nonzero()
    assert np.ptp(red[0]) / np.ptp(red[1]) == pytest.approx(90 / 40, rel=0.05)
    assert red[0].max() < blue[0].min() and np.ptp(blue[1]) > 1.8 * np.ptp(red[1])
