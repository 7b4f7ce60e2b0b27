"""Where people look in somebody's own pictures: tables, drawings, and what is said of what cannot be read."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from download_server import Server
from PIL import Image

import gcdr
from gcdr.base.errors import InputError
from gcdr.cli.commands import main
from gcdr.data.depth_maps import depth_file, open_depth, save_depth
from gcdr.data.manifest import BOX
from gcdr.datasets.folder import read_folder
from gcdr.detection.shipped import CENTERFACE, weights_of_centerface
from gcdr.models import finding
from gcdr.models.build import save_model
from gcdr.models.interface import GazeModel
from gcdr.models.pdp import PDP, PDPConfig
from gcdr.models.sizes import VATConfig
from gcdr.models.vat import VAT
from gcdr.prediction.drawn import draw_people
from gcdr.prediction.predictions import as_table, person_as_json
from gcdr.prediction.sources import find_pictures
from gcdr.predictor.predictor import Prediction
from gcdr.world.render import render
from gcdr.world.scene import draw_scene
from gcdr.world.style import STYLES

BOXES = {"a.png": [[10, 10, 40, 44], [-5, 60, 30, 90]], "b/c d.jpg": [[100, 50, 140, 90]]}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    save_model(tmp_path / "model", VAT(VATConfig.world()))
    return tmp_path / "model"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "b").mkdir(parents=True)
    for number, name in enumerate(BOXES):
        Image.fromarray(render(draw_scene(11, number, STYLES["gaze"]))).save(folder / name)
    return folder


@pytest.fixture
def table(photos: Path) -> Path:
    rows = [(name, *box) for name, boxes in BOXES.items() for box in boxes]
    pd.DataFrame(rows, columns=["image", *BOX]).to_csv(photos / "heads.csv", index=False)
    return photos / "heads.csv"


def predicted(*arguments: object) -> int:
    return main(["predict", *map(str, arguments), "--device", "cpu"])


@pytest.mark.slow
def test_tables_hold_what_the_model_says(
    photos: Path, table: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert predicted(photos, "--model", model, "--heads", table, "--out", out) == 0
    said = capsys.readouterr().out
    assert "3 people (heads given) in 2 of 2 pictures" in said
    images = [Image.open(photos / name).convert("RGB") for name in BOXES]
    expected = gcdr.load(model, "cpu").predict(images, [sorted(boxes) for boxes in BOXES.values()])
    points = np.concatenate([one.points for one in expected])
    rows = pd.read_csv(out / "predictions.csv")
    assert np.abs(rows[["gaze_x", "gaze_y"]].to_numpy() - points).max() < 1e-4
    assert rows["in_frame"].isna().all() and rows["confidence"].between(0, 1).all()
    content = json.loads((out / "predictions.json").read_text())
    people = [one for picture in content["pictures"] for one in picture["people"]]
    assert [one["head_box"] for one in people] == rows[BOX].to_numpy().tolist()
    assert content["model"] == str(model) and content["heads"] == "given"
    assert (out / "pictures/a.png.jpg").is_file() and (out / "pictures/b/c d.jpg").is_file()
    read = read_folder(photos, out / "predictions.csv")
    assert not read.problems.errors and len(read.manifest) == 3
    assert read.manifest["label_source"].eq("predicted").all()


def test_names_of_who_looks_out_of_the_frame_are_left_out() -> None:
    """As their points are; of a model that does not tell in or out nothing is."""
    people = pd.DataFrame({"image": "a.png", "in_frame_probability": [0.9, 0.4, np.nan]})
    people[[*BOX, "head_score", "gaze_x", "gaze_y", "confidence", "label_confidence"]] = 0.5
    people["label"] = ["cup", "dog", "hat"]
    table = as_table(people, ["image"])
    assert table["label"].fillna("").tolist() == ["cup", "", "hat"]
    for column in ("label_confidence", "gaze_x"):
        assert table[column].notna().tolist() == [True, False, True]
    told = [person_as_json(row) for _, row in people.iterrows()]
    assert [one["label"] for one in told] == ["cup", None, "hat"]
    assert [one["label_confidence"] for one in told] == [0.5, None, 0.5]


def test_three_lines_of_python_do_the_same(photos: Path, table: Path, model: Path) -> None:
    people = gcdr.predict(photos, model, heads=table, device="cpu")
    assert people["image"].tolist() == ["a.png", "a.png", "b/c d.jpg"]
    alone = gcdr.predict(photos / "b/c d.jpg", str(model), heads=_renamed(table), device="cpu")
    assert np.allclose(alone[["gaze_x", "gaze_y"]], people[["gaze_x", "gaze_y"]].iloc[2:])


def _renamed(table: Path) -> Path:
    """The table for the picture alone, whose name is relative to its own folder."""
    rows = pd.read_csv(table).assign(image=lambda rows: rows["image"].str.split("/").str[-1])
    rows.to_csv(table.with_name("alone.csv"), index=False)
    return table.with_name("alone.csv")


def test_what_cannot_be_read_is_named_and_the_others_go_on(
    photos: Path, table: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [Image.new("RGB", (60, 60), colour) for colour in ("red", "blue")]
    frames[0].save(photos / "moving.gif", save_all=True, append_images=frames[1:])
    (photos / "cut.jpg").write_bytes((photos / "b/c d.jpg").read_bytes()[:400])
    (photos / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (photos / "empty.png").write_bytes(b"")
    further = [
        "moving.gif,5,5,30,30",
        "moving.gif,100,100,130,130",  # outside
        "a.png,50,50,20,20",  # corners exchanged
        "a.png,x,1,2,3",
        "elsewhere.jpg,1,1,9,9",
        "cut.jpg,1,1,9,9",
    ]
    table.write_text(table.read_text() + "\n".join(further) + "\n")
    out = tmp_path / "out"
    assert predicted(photos, "--model", model, "--heads", table, "--out", out) == 0
    said = capsys.readouterr().out
    for part in (
        "moving.gif: holds 2 pictures, of which the first",
        "moving.gif: head box [100.0, 100.0, 130.0, 130.0] lies outside",
        "cut.jpg: not a readable image",
        "empty.png: not a readable image",
        "phone.heic",
        "x0 < x1 and y0 < y1",
        "found 'x'",
        "1 of its pictures were not asked for, such as elsewhere.jpg",
        "4 people (heads given) in 3 of 5 pictures",
    ):
        assert part in said, said
    assert len(pd.read_csv(out / "predictions.csv")) == 4


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["nowhere", "--model", "@/model"], "nowhere: no such picture or folder"),
        (["@/empty", "--model", "@/model"], "no picture"),
        (["@/photos", "--model", "nobody"], "nobody: no folder or file, and no model's name"),
        (["@/photos", "--model", "@/model", "--heads", "none.csv"], "none.csv: no such table"),
        (["@/photos", "--model", "@/model", "--heads", "@/other.csv"], "none of those asked for"),
        (["@/photos", "--model", "@/model", "--heads", "@/short.csv"], "head_y1"),
        (
            ["@/photos", "--model", "@/model", "--heads", "@/shares.csv"],
            "line 3: found the head box [0.1,",
        ),
        (["@/photos", "--model", "@/model", "--out", "@/photos"], "is there already"),
        (["@/photos", "--model", "@/model", "--device", "gpu"], "gpu"),
        (["@/photos", "--model", "@/model", "--finder", "@/none"], "none"),
    ],
)
def test_what_is_not_there_is_named_in_a_line(
    photos: Path, model: Path, tmp_path: Path, arguments: list[str], part: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.csv").write_text(f"image,{','.join(BOX)}\nz.png,1,1,9,9\n")
    (tmp_path / "short.csv").write_text("image,head_x0,head_y0,head_x1\na.png,1,1,9\n")
    (tmp_path / "shares.csv").write_text(
        f"image,{','.join(BOX)}\na.png,.3,.1,.2,.3\na.png,.1,.1,.2,.3\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["predict", *(text.replace("@", str(tmp_path)) for text in arguments)]) == 2
    error = capsys.readouterr().err
    assert part in error and "Traceback" not in error
    assert not (tmp_path / "predictions").exists()


@pytest.mark.parametrize(
    ("built", "told"),
    [
        (lambda: VAT(VATConfig.world(True)), "a vat that sees prior maps"),
        (lambda: PDP(PDPConfig.world()), "a pdp that sees depth"),
    ],
)
def test_a_model_that_sees_more_than_pictures_is_refused_in_a_line(
    built: Callable[[], GazeModel], told: str, photos: Path, table: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    save_model(tmp_path / "model", built())
    arguments = (photos, "--heads", table, "--model", tmp_path / "model", "--out", tmp_path / "out")
    assert predicted(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {told}") and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_depth_lies_in_a_folder_beside_the_pictures(
    photos: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A picture without depth is skipped, and the others' points are those of ``Predictor.predict``."""
    torch.manual_seed(0)
    save_model(tmp_path / "model", PDP(PDPConfig.world()))
    rng, depth = np.random.default_rng(0), tmp_path / "depth"
    with Image.open(photos / "a.png") as image:
        picture = image.convert("RGB")
    save_depth(depth_file(depth, "a.png"), rng.random(picture.size[::-1]), photos / "a.png")
    arguments = (photos, "--heads", table, "--model", tmp_path / "model", "--depth", depth)
    assert predicted(*arguments, "--out", tmp_path / "out") == 0
    assert "skipped:" in capsys.readouterr().out
    people = pd.read_csv(tmp_path / "out/predictions.csv")
    assert set(people["image"]) == {"a.png"}
    deep = np.asarray(open_depth(depth_file(depth, "a.png"), picture.size))
    boxes = people[BOX].to_numpy()
    (alone,) = gcdr.load(tmp_path / "model", "cpu").predict([picture], [boxes], depths=[deep])
    np.testing.assert_allclose(people[["gaze_x", "gaze_y"]], alone.points, atol=1e-4)
    depth_file(depth, "a.png").unlink()
    assert predicted(*arguments, "--out", tmp_path / "none") == 2
    assert "pictures with a head has a readable depth map" in capsys.readouterr().err
    assert predicted(*arguments[:-1], tmp_path / "nowhere", "--out", tmp_path / "none") == 2
    assert "--depth: no folder" in capsys.readouterr().err
    (photos / "a.jpg").write_bytes((photos / "a.png").read_bytes())
    assert predicted(*arguments, "--out", tmp_path / "none") == 2
    assert "their depth maps would have one name" in capsys.readouterr().err
    save_model(tmp_path / "blind", VAT(VATConfig.world()))
    blind = (*arguments[:4], tmp_path / "blind", *arguments[5:])
    assert predicted(*blind, "--out", tmp_path / "other") == 2
    assert "--depth: found a vat, which sees no depth" in capsys.readouterr().err


def test_pictures_are_named_below_the_folder_that_they_have_in_common(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "c").mkdir()
    monkeypatch.chdir(photos / "c")
    mixed = find_pictures(["../a.png", photos / "b"])
    assert mixed.root == photos and mixed.names == ["a.png", "b/c d.jpg"]
    assert find_pictures(["../a.png"]).names == ["a.png"]
    (photos / "c/x\ny.png").write_bytes((photos / "a.png").read_bytes())
    with pytest.raises(InputError, match="a control character in its name"):
        find_pictures(["x\ny.png"])


def test_no_head_anywhere_ends_with_what_to_do(
    photos: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in photos.rglob("*.*g"):
        Image.new("RGB", (70, 50), "white").save(path)
    assert predicted(photos, "--model", model, "--out", tmp_path / "out") == 2
    assert "no head in 2 pictures (centerface found none with a score" in capsys.readouterr().err


def test_heads_that_are_blurred_cannot_be_told_and_the_rest_is_left() -> None:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 255, (200, 300, 3), np.uint8))
    rows = pd.DataFrame([[50.0, 40.0, 110.0, 100.0, 0.9, 0.9, 0.1]],
                        columns=[*BOX, "gaze_x", "gaze_y", "in_frame_probability"])  # fmt: skip
    nowhere = Prediction(np.zeros((1, 2)), np.zeros((1, 4, 4)), None)
    drawn = [
        np.asarray(draw_people(image, rows, nowhere, heat=False, blur=b), float) for b in (0, 1)
    ]
    inside = np.s_[48:92, 58:102]
    assert drawn[1][inside].std() < drawn[0][inside].std() / 8
    far = np.s_[120:, 150:]
    assert np.array_equal(drawn[0][far], np.asarray(image, float)[far])


def test_a_released_model_is_fetched_once_by_its_short_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    server.names = (".pt", ".pth")
    server.content = b"PK\x03\x04" + bytes(1000)
    files = ("gazelle/gazelle_dinov2_vitb14.pt", "dinov2-vitb14/dinov2_vitb14_pretrain.pth")
    kind = finding.GAZE_MODELS["gazelle"]
    local = server.address.rsplit("/", 1)[0]
    monkeypatch.setitem(
        finding.GAZE_MODELS, "gazelle",
        replace(kind, addresses={file.split("/")[0]: local for file in files}),
    )  # fmt: skip
    for _ in range(2):
        found = finding.find_model("gazelle-vitb14", weights=tmp_path, fetch=True)
        assert found == tuple(tmp_path / file for file in files)
    assert len(server.ranges) == 2 and all(path.is_file() for path in found)
    assert (tmp_path / f"{files[0]}.digest.json").is_file()


@pytest.mark.slow
def test_a_face_in_a_photograph_is_found_without_a_download(tmp_path: Path) -> None:
    data = pytest.importorskip("skimage.data")
    from gcdr.detection.heads import load_finder

    assert weights_of_centerface().is_file()
    photograph = Image.fromarray(data.astronaut())
    ((boxes, scores),) = load_finder(Path(CENTERFACE), 0.5, torch.device("cpu"))([photograph])
    assert len(boxes) == 1 and scores[0] > 0.7
    middle = (boxes[0, :2] + boxes[0, 2:]) / 2
    assert np.abs(middle - [222, 115]).max() < 25  # her face
    assert 80 < boxes[0, 2] - boxes[0, 0] < 190
    turned = photograph.resize((1024, 1024))
    ((twice, _),) = load_finder(Path(CENTERFACE), 0.5, torch.device("cpu"))([turned])
    assert np.abs(twice / 2 - boxes).max() < 15


def test_another_file_of_the_detector_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gcdr.detection import shipped

    for spec, part in ((None, "is not installed"), (tmp_path, "absent, or another file")):
        found = spec and type("Spec", (), {"submodule_search_locations": [str(spec)]})
        monkeypatch.setattr(shipped, "find_spec", lambda name, found=found: found)
        with pytest.raises(InputError, match=part):
            weights_of_centerface()
