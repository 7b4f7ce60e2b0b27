"""Pictures of every form through the three stages that read them; who has none is nowhere counted."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tiny_study import ASK, CPU, GAZE, MAPS, Study, make_study, make_vqa, pictures_of

from gcdr.base.errors import InputError
from gcdr.base.failures import Failures
from gcdr.data.cache import Samples, write_samples
from gcdr.data.manifest import (
    BOX,
    build_manifest,
    people_digest,
    read_annotated,
    read_people,
    write_table,
)
from gcdr.data.pictures import open_image
from gcdr.data.split import split_labels
from gcdr.data.stores import read_labels, read_prior
from gcdr.datasets.images import image_sizes
from gcdr.detection.bodies import detect_bodies
from gcdr.detection.detector import load_detector
from gcdr.evaluation.stages import (
    evaluate_baselines,
    evaluate_labels,
    evaluate_model,
    evaluate_prior,
)
from gcdr.priors.kinds.vqa_kind import AskSettings
from gcdr.priors.vqa.asking import ask_people
from gcdr.refine.labels import make_labels
from gcdr.refine.options import LabelSettings
from gcdr.training.consistency import train_consistency_model
from gcdr.training.gaze import train_gaze_model
from gcdr.training.recipes import GazeConsistency, MeanTeacher, Recipe
from gcdr.training.targets import labelled_targets, pseudo_targets

pytestmark = pytest.mark.slow

DETECTOR = Path(__file__).parents[2] / "assets/world/detector/model.safetensors"
NOISE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)


def cut(path: Path) -> None:
    Image.fromarray(NOISE).save(path)
    path.write_bytes(path.read_bytes()[:1500])


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(NOISE).save(path, exif=exif)


def palette(path: Path) -> None:
    Image.fromarray(NOISE).quantize(16).save(path, transparency=bytes(range(0, 256, 16)))


def plain(mode: str, size: tuple[int, int] = (64, 48)) -> Callable[[Path], None]:
    return lambda path: Image.new(mode, size, "green" if mode == "RGB" else None).save(path)


# Name, how it is written, size in the manifest, and what is said of it (nothing where it is read).
FORMS: list[tuple[str, Callable[[Path], object], tuple[int, int], str]] = [
    ("cut.jpg", cut, (64, 48), "not a readable image"),
    ("empty.jpg", lambda path: path.write_bytes(b""), (64, 48), "not a readable image"),
    ("text.png", lambda path: path.write_text("no picture"), (64, 48), "not a readable image"),
    ("missing.jpg", lambda path: None, (64, 48), "no such image"),
    ("smaller.png", plain("RGB", (32, 24)), (64, 48), "found a size of 32x24, expected 64x48"),
    ("unturned.jpg", turned, (64, 48), "before its EXIF orientation turns it"),
    ("float.tif", plain("F"), (64, 48), "no known range"),
    ("turned.jpg", turned, (48, 64), ""),
    ("cmyk.jpg", plain("CMYK"), (64, 48), ""),
    ("sixteen.png", plain("I;16"), (64, 48), ""),
    ("palette.png", palette, (64, 48), ""),
    ("dot.png", plain("RGB", (1, 1)), (1, 1), ""),
    ("wide.png", plain("RGB", (20_000, 40)), (20_000, 40), ""),
    ("thread.png", plain("RGB", (20_000, 3)), (20_000, 3), ""),
    ("plain.jpg", lambda path: Image.fromarray(NOISE).save(path), (64, 48), ""),
]


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with one person in a picture of each form."""
    folder = tmp_path_factory.mktemp("forms")
    rows = []
    for name, draw, (width, height), _ in FORMS:
        draw(folder / name)
        head = dict(zip(BOX, (0.2 * width, 0, 0.6 * width, 0.5 * height), strict=True))
        rows.append({"image": name, "width": width, "height": height, **head, "split": "train"})
    write_table(build_manifest(pd.DataFrame(rows), "forms"), folder / "manifest.parquet")
    return folder


@pytest.fixture(scope="module")
def problems(forms: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """What each stage says of each picture, by image."""
    people, out = read_people(forms / "manifest.parquet"), tmp_path_factory.mktemp("stages")
    bodies = detect_bodies(people, forms, load_detector(DETECTOR))
    write_table(bodies, out / "bodies.parquet")
    write_samples(people, forms, 56, out / "samples.h5", failures=1)
    ask_people(
        forms / "manifest.parquet", forms, out / "bodies.parquet", make_vqa(out / "vqa"),
        AskSettings.from_json(ASK), 1, 1, 1, 1.0, CPU, out / "prior.h5",
    )  # fmt: skip
    cache = Samples.open(out / "samples.h5")
    store = read_prior(out / "prior.h5", people_digest(people), people["sample_id"].to_numpy())
    black = [not (cache.scene[at].any() or cache.head[row].any())
             for row, at in enumerate(cache.scene_index)]  # fmt: skip
    told = {
        "detect": bodies["problem"],
        "samples": cache.problem,
        "prior": store.columns["problem"],
    }
    table = pd.DataFrame(told | {"detected": bodies["detected"], "valid": store.valid})
    return table.assign(black=black).set_index(people["image"])


@pytest.mark.parametrize(("name", "said"), [(name, said) for name, *_, said in FORMS])
def test_every_form_is_read_or_marked_by_all_stages(
    problems: pd.DataFrame, name: str, said: str
) -> None:
    row = problems.loc[name]
    for stage in ("detect", "samples", "prior"):
        assert (said in row[stage] and name in row[stage]) if said else row[stage] == "", stage
    assert row["valid"] == (not said)
    if said:
        assert row["black"] and not row["detected"]


@pytest.mark.parametrize(
    "error", [RuntimeError("AVIF"), MemoryError("too large"), OverflowError("int"), KeyError("tag")]
)
def test_whatever_a_decoder_raises_means_that_the_picture_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise error

    Image.fromarray(NOISE).save(tmp_path / "a.png")
    with monkeypatch.context() as patch:
        patch.setattr("PIL.ImageFile.ImageFile.load", failing)
        with pytest.raises(InputError, match=r"a\.png: not a readable image"):
            open_image(tmp_path / "a.png")
    monkeypatch.setattr(Image, "open", failing)
    assert image_sizes(tmp_path, ["a.png"])["fault"].tolist() == ["not an image that can be read"]


def test_too_many_bad_pictures_stop_the_cache_with_one_message(
    forms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = read_people(forms / "manifest.parquet")
    with pytest.raises(InputError, match=r"3 of 15 people were without a picture, .* share 0\.15"):
        write_samples(people, forms, 56, tmp_path / "samples.h5", failures=0.15)
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().out.count("without a picture: sample_id") == 3


def test_failures_are_counted_up_to_the_share() -> None:
    failures = Failures("lost", 100, 0.02)
    failures.add([4, 5], "why")
    with pytest.raises(InputError, match=r"3 of 100 people were lost, .*0\.02 .*sample_id 4: why"):
        failures.add([6], "why not")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, set[int]]:
    """A small study in which a labelled, an unlabelled and a test person have no picture, and who that is.

    Its prior was not made of these pictures, as an imported one is not: it holds maps of everybody.
    """
    study = make_study(tmp_path_factory.mktemp("study"))
    labels = split_labels(read_annotated(study.manifest), 40, 0.2, 0)
    write_table(labels, study.folder / "labels.parquet")
    people = read_people(study.manifest)
    role = labels.set_index("sample_id")["role"].reindex(people["sample_id"]).to_numpy()
    bad = [people.loc[role == name, "image"].iloc[0] for name in ("labelled", "unlabelled")]
    bad.append(people.loc[people["split"] == "test", "image"].iloc[-1])
    for name in bad:
        (study.folder / "images" / name).write_bytes(b"")
    write_samples(people, study.folder / "images", 56, study.samples, failures=0.5)
    train_gaze_model(
        *pictures_of(study, study.folder / "labels.parquet"), None, None, None, GAZE, 0, CPU,
        study.folder / "vat",
    )  # fmt: skip
    return study, set(people.loc[people["image"].isin(bad), "sample_id"])


def test_nobody_without_a_picture_is_trained_on(
    study: tuple[Study, set[int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, lost = study
    cache, labels = Samples.open(files.samples), files.folder / "labels.parquet"
    table = pd.read_parquet(labels)
    assert set(cache.sample_id[cache.problem != ""]) == lost
    known = set(labelled_targets(labels, cache).sample_id)
    assert known and not known & lost
    assert (
        "labelled people are left out, as their picture, or its depth, cannot be read"
        in capsys.readouterr().out
    )
    make_labels(
        "raw", files.manifest, labels, "unlabelled", files.samples, files.prior, None,
        LabelSettings(MAPS), 0, CPU, tmp_path / "raw.h5",
    )  # fmt: skip
    store = read_labels(tmp_path / "raw.h5", cache.people)
    hidden = table.loc[table["role"] == "unlabelled", "sample_id"]
    assert set(store.sample_id) == set(hidden) and set(hidden) & lost
    assert set(store.sample_id[~store.valid]) == set(hidden) & lost
    assert set(pseudo_targets(tmp_path / "raw.h5", cache).sample_id) == set(hidden) - lost
    recipe = Recipe(steps=1, batch=4, lr=0.01, ema=None)
    held = MeanTeacher(consistency=1.0, labelled_per_batch=2, ramp_up=0, warm_up=1, steps=2)
    made = GazeConsistency(GAZE.model, recipe, held, GAZE.sigma)
    train_consistency_model(*pictures_of(files, labels), None, made, 0, CPU, tmp_path / "mt")
    counted = json.loads((tmp_path / "mt/model.json").read_text())
    assert f'"unlabelled": {len(set(hidden) - lost)}' in json.dumps(counted)


def test_nobody_without_a_picture_is_scored(
    study: tuple[Study, set[int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, lost = study
    people = read_people(files.manifest)
    tested = set(people.loc[people["split"] == "test", "sample_id"])
    assert 0 < len(tested & lost) < len(tested)
    given = (files.samples, files.manifest, files.annotations)
    make_labels(
        "raw", files.manifest, None, "test", files.samples, files.prior, None,
        LabelSettings(MAPS), 0, CPU, tmp_path / "raw.h5",
    )  # fmt: skip
    evaluate_model(files.folder / "vat", *given, None, MAPS, {}, CPU, tmp_path / "vat.json")
    evaluate_labels(tmp_path / "raw.h5", *given, {}, tmp_path / "raw.json")
    evaluate_prior(files.prior, *given, MAPS, {}, tmp_path / "gradcam.json")
    evaluate_baselines(*given, {}, tmp_path)
    for name in ("vat", "raw", "gradcam", "centre", "random", "human"):
        content = json.loads((tmp_path / f"{name}.json").read_text())
        assert content["people"] == len(tested - lost), name
        assert content["unreadable"] == len(tested & lost), name
        scored = pd.read_parquet(tmp_path / f"{name}.parquet")
        assert set(scored["sample_id"]) == tested - lost
    assert "test people are left out" in capsys.readouterr().out
