"""The page on which pseudo-labels are looked at and corrected, and the pictures beside it."""

import base64
import hashlib
import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.data.manifest import BODY, BOX, build_manifest, heads_digest, people_digest, write_table
from gcdr.data.stores import write_labels, write_prior
from gcdr.datasets.corrections import CORRECTION_COLUMNS
from gcdr.report import gallery
from gcdr.report.overlays import blur_heads
from gcdr.settings.reporting import GallerySettings

EVIL = "\"><script>alert(1)</script>'&.jpg"


class Cards(HTMLParser):
    """The people of a page, what it would fetch, and the names of its controls."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cards: list[dict[str, str]] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.main: dict[str, str] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.handlers += [name for name in values if name.startswith("on")]
        self.fetched += [values[name] for name in ("src", "href", "srcset") if name in values]
        if tag == "article":
            self.cards.append(values)
        if tag == "main":
            self.main = values
        if tag == "img":
            assert values["loading"] == "lazy" and values["alt"] and values["width"]


def person(number: int = 2, **changed) -> gallery.GalleryPerson:
    values = {
        "sample_id": number,
        "image": "frame_1.jpg",
        "box": (1.5, 2.0, 9.0, 10.0),
        "size": (64, 48),
        "answer": "ball",
        "doubt": 0.25,
        "pseudo": (0.5, 0.25),
    }
    return gallery.GalleryPerson(**values | changed)


def page(*people: gallery.GalleryPerson, notice: str = "Only drawings.") -> str:
    return gallery.build_gallery("Folder", notice, people, "gal lery", "d1", doubt="entropy")


def test_it_carries_its_notice() -> None:
    assert "Only drawings." in page(person())
    with pytest.raises(InputError, match="no notice"):
        page(person(), notice=" ")


def test_pictures_lie_beside_it_and_nothing_comes_from_elsewhere() -> None:
    text = page(person(), person(3))
    found = Cards(text)
    pictures = [f"gal%20lery/000000{number}-scene.jpg" for number in (2, 3)]
    assert found.fetched == ["data:,", *pictures]
    assert not re.search(r"https?:|@import|url\(", text)
    assert found.tags.count("script") == 1 and not found.handlers


def test_only_its_own_script_runs() -> None:
    text = page(person())
    script = re.search(r"<script>(.*?)</script>", text, re.S)[1]
    told = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{told}'" in text
    assert "innerHTML" not in script and "eval(" not in script and "fetch(" not in script


def test_texts_of_others_are_texts() -> None:
    found = Cards(page(person(image=EVIL, answer=EVIL)))
    assert found.tags.count("script") == 1
    assert found.cards[0]["data-image"] == found.cards[0]["data-answer"] == EVIL
    assert html.escape("<script>alert") in page(person(image=EVIL))


def test_a_card_says_what_is_sorted_by() -> None:
    known, unknown = Cards(page(person(label=(0.5, 0.65)), person(pseudo=None, doubt=np.nan))).cards
    assert known["data-error"] == "0.4000" and known["data-doubt"] == "0.2500"
    assert known["data-point"] == "0.5,0.25" and known["data-box"] == "1.5,2.0,9.0,10.0"
    assert unknown["data-error"] == unknown["data-doubt"] == "nan" and "data-point" not in unknown
    text = page(person())
    assert "Error at least" not in text and "Entropy of the map at least" in text
    assert "Label: out of the frame" in page(person(outside=True))


def test_the_script_fills_every_column() -> None:
    row = gallery.page_part("gallery.js").split("const row = {")[1].split("};")[0]
    assert re.findall(r"(\w+):", row) == CORRECTION_COLUMNS
    assert Cards(page(person())).main["data-columns"] == ",".join(CORRECTION_COLUMNS)


@pytest.fixture
def files(tmp_path: Path) -> gallery.GalleryFiles:
    """Three people in two pictures: one labelled by annotators, one by the split, one without a map."""
    people = build_manifest(
        pd.DataFrame(
            {
                "image": ["a.png", "a.png", "b <i>.png"],
                "width": 64,
                "height": 48,
                "split": ["test", "train", "train"],
                **dict(zip(BOX, ([4, 30, 4], 5, [24, 50, 24], 25), strict=True)),
            }
        ),
        "people",
    )
    rng = np.random.default_rng(0)
    for name in people["image"].unique():
        Image.fromarray(rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)).save(tmp_path / name)
    digest, ids = people_digest(people), people["sample_id"].to_numpy()
    write_table(people, tmp_path / "manifest.parquet")
    points = {"sample_id": [0, 0], "annotator": [0, 1], "gaze_x": [0.25, 0.75], "gaze_y": 0.5}
    write_table(pd.DataFrame(points), tmp_path / "annotations.parquet")
    bodies = people[["sample_id"]].assign(**dict.fromkeys(BODY, 3.0), detected=[True, False, False])
    write_table(bodies, tmp_path / "bodies.parquet")
    shown = {"sample_id": [1, 2], "role": ["labelled", "unlabelled"], "gaze_x": np.nan}
    shown |= {"gaze_y": np.nan, "in_frame": pd.array([False, None], "boolean"), "label": None}
    write_table(pd.DataFrame(shown), tmp_path / "labels.parquet")
    maps = rng.random((3, 1, 8, 8)).astype(np.float32)
    everybody, answers = np.ones(3, bool), {"answer": ["the ball"] * 3, "noun": ["ball"] * 3}
    about = {"people": digest, "made_by": {}}
    write_prior(tmp_path / "prior.h5", ids, maps, everybody, answers, layers=[1], **about)
    valid = np.array([True, True, False])
    trust = {"expected_error": np.array([0.1, 0.2, 0.3]), "entropy": np.zeros(3)}
    for name in ("refined", "predicted"):
        write_labels(tmp_path / f"{name}.h5", ids, maps[:, 0], valid, trust, **about)
    names = ["manifest.parquet", "annotations.parquet", "bodies.parquet", "prior.h5", "refined.h5"]
    return gallery.GalleryFiles(
        *(tmp_path / name for name in names), tmp_path / "predicted.h5", tmp_path / "labels.parquet"
    )


def written(files: gallery.GalleryFiles, out: Path, blur: bool = False) -> str:
    settings = GallerySettings(str(files.manifest.parent), 1, "drawn", blur)
    gallery.write_gallery(files, settings, out / "gallery", out / "gallery.html")
    return (out / "gallery.html").read_text()


def test_a_study_becomes_a_page(files, tmp_path) -> None:
    text = written(files, tmp_path)
    found = Cards(text)
    people = pd.read_parquet(files.manifest)
    assert found.main["data-people"] == heads_digest(people)
    assert "2 people; 1 without a pseudo-label are not shown" in text
    first, second = found.cards
    assert first["data-doubt"] == "0.1000" and "Expected error at least" in text
    assert first["data-error"] != "nan" and second["data-error"] == "nan"
    assert text.count("Label: out of the frame") == 1 and first["data-answer"] == "ball"
    names = sorted(path.name for path in (tmp_path / "gallery").iterdir())
    assert names == sorted(f"000000{n}-{view}.jpg" for n in (0, 1) for view in gallery.VIEWS)
    with Image.open(tmp_path / "gallery" / names[0]) as picture:
        assert picture.format == "JPEG" and max(picture.size) == gallery.SIDE
    written(files, tmp_path)  # again, over what is there


def test_pseudo_labels_are_shown_without_a_student(files, tmp_path) -> None:
    with_student, text = written(files, tmp_path), written(replace(files, predicted=None), tmp_path)
    names = {path.name.split("-")[1] for path in (tmp_path / "gallery").iterdir()}
    assert names == {"scene.jpg", "prior.jpg", "label.jpg"}
    assert text.count("mark pseudo") == with_student.count("mark pseudo") > 0
    for part in ("mark predicted", 'value="prediction"'):
        assert part in with_student and part not in text


def test_of_whom_nobody_can_tell_is_not_asked_again(files, tmp_path) -> None:
    people = pd.read_parquet(files.manifest)
    write_table(people.assign(split=["ignore", "train", "train"]), files.manifest)
    text = written(files, tmp_path, blur=True)
    assert [card["data-person"] for card in Cards(text).cards] == ["1"]
    assert "1 of whom nobody can tell are left out" in text
    assert Cards(text).main["data-people"] == heads_digest(
        people
    )  # corrections still fit the table


def test_heads_are_blurred_where_that_is_asked_for(files, tmp_path) -> None:
    written(files, tmp_path)
    name = tmp_path / "gallery/0000000-scene.jpg"
    sharp = np.asarray(Image.open(name)).astype(float)
    written(files, tmp_path, blur=True)
    blurred = np.asarray(Image.open(name)).astype(float)
    scale = sharp.shape[1] / 64
    for x in (6, 32):  # also the head of the other person
        inside = np.s_[int(7 * scale) : int(23 * scale), int(x * scale) : int((x + 15) * scale)]
        assert blurred[inside].std() < 0.5 * sharp[inside].std()
    below = np.s_[int(32 * scale) :]
    np.testing.assert_array_equal(blurred[below], sharp[below])


def test_blurring_takes_boxes_at_and_beyond_the_border() -> None:
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    boxes = np.array([[-5, -5, 6, 6], [28, 18, 60, 60], [40, 40, 50, 50], [3.2, 3.2, 3.4, 3.4]])
    done = blur_heads(image, boxes)
    assert done.shape == image.shape and done[10:15, 10:15].tolist() == image[10:15, 10:15].tolist()
    assert (done[:5, :5] != image[:5, :5]).any()
