"""Detection, the match of heads to bodies, and a few steps of the world detector's training."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save_file

from gcdr.base.errors import InputError
from gcdr.data.manifest import BODY, BOX, build_manifest, read_people, write_table
from gcdr.detection.bodies import detect_bodies, detect_people, match_bodies
from gcdr.detection.choices import DetectSettings
from gcdr.detection.detector import DetectorConfig, build_detector, detect, load_detector
from gcdr.detection.joined import merge_bodies
from gcdr.world.lessons import DetectorRecipe
from gcdr.world.weights.detectors import (
    TrainingScene,
    augment,
    draw_examples,
    measure,
    measure_match,
    train_world_detector,
)

SHIPPED = Path(__file__).parents[2] / "assets/world/detector/model.safetensors"

coordinate = st.integers(0, 12)
size = st.integers(1, 12)
box = st.builds(lambda x, y, w, h: (x, y, x + w, y + h), coordinate, coordinate, size, size)


def arrays(boxes, scores=None):
    return np.array(boxes, float).reshape(-1, 4), np.array(scores or [], float)


@pytest.mark.slow
@given(
    heads=st.lists(box, max_size=4),
    bodies=st.lists(st.tuples(box, st.integers(0, 4)), max_size=5),
    measure_name=st.sampled_from(["head_area", "iou"]),
    threshold=st.floats(0, 1),
    order=st.randoms(use_true_random=False),
)
def test_match_invariants(heads, bodies, measure_name, threshold, order):
    head_boxes, _ = arrays(heads)
    body_boxes, scores = arrays([b for b, _ in bodies], [s / 4 for _, s in bodies])
    index, overlap = match_bodies(head_boxes, body_boxes, scores, threshold, measure_name)
    assert index.shape == overlap.shape == (len(heads),)
    assert ((overlap >= 0) & (overlap <= 1)).all()
    assert (index < len(bodies)).all()
    assert (overlap[index >= 0] >= threshold).all()
    assert ((overlap < threshold) | (overlap == 0))[index < 0].all()

    moved, same = match_bodies(head_boxes + 7, body_boxes + 7, scores, threshold, measure_name)
    np.testing.assert_array_equal(moved, index)
    np.testing.assert_allclose(same, overlap)

    # The order in which bodies are listed decides between identical ones only.
    shuffle = list(range(len(bodies)))
    order.shuffle(shuffle)
    again, _ = match_bodies(
        head_boxes, body_boxes[shuffle], scores[shuffle], threshold, measure_name
    )
    for row, (one, other) in enumerate(zip(index, again, strict=True)):
        assert (one < 0) == (other < 0), row
        if one >= 0:
            first, second = bodies[one], bodies[shuffle[other]]
            assert first[1] == second[1]
            assert area(first[0]) == area(second[0])


def area(corners):
    return (corners[2] - corners[0]) * (corners[3] - corners[1])


def test_match_takes_greatest_overlap_then_score_then_smaller_box():
    heads, _ = arrays([(4, 0, 8, 4)])
    half, whole, large = (0, 0, 6, 20), (2, 0, 10, 20), (0, 0, 20, 20)

    def winner(bodies, scores, **options):
        return match_bodies(heads, *arrays(bodies, scores), **options)[0][0]

    assert winner([half, whole], [0.9, 0.7]) == 1
    assert winner([whole, large], [0.7, 0.9]) == 1
    assert winner([large, whole], [0.8, 0.8]) == 1
    assert winner([large, whole], [0.9, 0.7], measure="iou", threshold=0.05) == 1
    assert winner([half], [0.9], threshold=0.5) == 0
    assert winner([half], [0.9], threshold=0.51) == -1
    assert winner([(50, 50, 60, 60)], [0.9], threshold=0.0) == -1


def test_two_heads_may_share_a_body():
    heads, _ = arrays([(1, 1, 3, 3), (4, 1, 6, 3)])
    index, overlap = match_bodies(heads, *arrays([(0, 0, 8, 20)], [0.9]))
    assert index.tolist() == [0, 0]
    assert overlap.tolist() == [1, 1]


@pytest.mark.parametrize("config", [DetectorConfig.world(), DetectorConfig.coco()])
def test_config_round_trip(config):
    assert DetectorConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "a mapping"),
        ({"speed": 1}, "unknown key 'speed'"),
        ({"architecture": "yolo"}, "resnet50_fpn_v2"),
        ({"widths": [8, 8]}, "4 positive whole numbers"),
        ({"score_threshold": 6}, "0..1"),
        ({"proposals": True}, "found True, expected int"),
        ({"detections": 0}, "config.json: detections: found 0, expected a positive whole number"),
    ],
)
def test_config_messages(content, message):
    with pytest.raises(InputError, match=message):
        DetectorConfig.from_json(content, "config.json")


class FixedDetector(torch.nn.Module):
    """Stands in for a trained detector: the same two persons and a cup in every image."""

    def __init__(self):
        super().__init__()
        self.anchor = torch.nn.Parameter(torch.zeros(()))
        self.transform = SimpleNamespace(max_size=160)
        self.calls: list[int] = []

    def forward(self, images):
        self.calls.append(len(images))
        output = {
            "boxes": torch.tensor([[0.0, 0, 20, 40], [40, 0, 60, 40], [0, 0, 60, 48]]),
            "labels": torch.tensor([1, 1, 47]),
            "scores": torch.tensor([0.75, 0.5, 1.0]),
        }
        return [output for _ in images]


@pytest.fixture
def people(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        Image.new("RGB", (64, 48)).save(tmp_path / name)
    heads = [("a.png", 5, 0, 15, 8), ("a.png", 45, -10, 55, 10), ("b.png", 24, 0, 34, 8),
             ("c.png", 0, 0, 8, 8)]  # fmt: skip
    table = pd.DataFrame(heads, columns=["image", "head_x0", "head_y0", "head_x1", "head_y1"])
    return table.assign(sample_id=[0, 1, 2, 3], width=64, height=48, split="train")


def test_bodies_once_an_image(people, tmp_path):
    detector = FixedDetector()
    table = detect_bodies(people, tmp_path, detector)
    assert detector.calls == [3]
    assert list(table.columns) == ["sample_id", *BODY, "score", "detected", "problem"]
    assert table["detected"].tolist() == [True, True, False, True]
    # The second head lies half outside the image; the part inside counts.
    assert table.loc[1, [*BODY, "score"]].tolist() == [40, 0, 60, 40, 0.5]
    assert table.loc[2, [*BODY, "score"]].isna().all()


def test_bodies_follow_the_order_of_rows(people, tmp_path):
    table = detect_bodies(people, tmp_path, FixedDetector())
    turned = detect_bodies(people[::-1], tmp_path, FixedDetector())
    pd.testing.assert_frame_equal(turned[::-1].reset_index(drop=True), table)


def test_people_of_bad_images_have_no_body_and_the_others_do(people, tmp_path):
    (tmp_path / "b.png").write_bytes(b"no image")
    people["width"] = people["width"].where(people["image"] != "c.png", 99)
    table = detect_bodies(people, tmp_path, FixedDetector())
    assert table["detected"].tolist() == [True, True, False, False]
    assert table["problem"].tolist()[:2] == ["", ""]
    assert "b.png: not a readable image" in table["problem"][2]
    assert "c.png: found a size of 64x48, expected 99x48" in table["problem"][3]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Seven drawn pictures of three sizes, so that it matters which are padded together."""
    folder, rows = tmp_path_factory.mktemp("drawn"), []
    for number in range(7):
        width, height = [(160, 120), (200, 150), (240, 120)][number % 3]
        (example,) = draw_examples(0, [number], "gaze", width, height)
        Image.fromarray(example.image).save(folder / f"{number}.png")
        person = {"image": f"{number}.png", "width": width, "height": height, "split": "train"}
        rows += [person | dict(zip(BOX, head, strict=True)) for head in example.heads]
    write_table(build_manifest(pd.DataFrame(rows), "drawn"), folder / "manifest.parquet")
    return folder


class Shards:
    """Runs the stage on drawn pictures, two in a batch; ``batches`` are the sizes of those computed."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.batches, self.dies_at = folder, [], None

        def watched(detector, images):
            if len(self.batches) == self.dies_at:
                raise KeyboardInterrupt
            self.batches += [len(images)] * bool(images)  # a shard without people has none
            return detect(detector, images)

        monkeypatch.setattr("gcdr.detection.bodies.detect", watched)

    def run(self, out, number=1, count=1, annotated=None, failures=0.0):
        path = out / f"{number}-of-{count}.parquet"
        detect_people(
            self.folder / "manifest.parquet", self.folder, SHIPPED, annotated,
            DetectSettings(batch=2, overlap=0.5), number, count, failures,
            torch.device("cpu"), path,
        )  # fmt: skip
        return path


@pytest.fixture
def shards(drawn, monkeypatch):
    return Shards(drawn, monkeypatch)


@pytest.mark.slow
def test_shards_never_change_a_bit_of_the_bodies(shards, tmp_path):
    merged = {}
    for count in (1, 3, 6):
        parts = [shards.run(tmp_path, number, count) for number in range(1, count + 1)]
        merge_bodies(parts, None, tmp_path / "bodies.parquet")
        merged[count] = (tmp_path / "bodies.parquet").read_bytes()
        table = pd.read_parquet(tmp_path / "bodies.parquet")
        assert shards.batches == [2, 2, 2, 1] and not list(tmp_path.glob(".*"))
        shards.batches.clear()
    assert merged[1] == merged[3] == merged[6]
    people = read_people(shards.folder / "manifest.parquet")
    assert (table["sample_id"] == people["sample_id"]).all() and table["detected"].mean() > 0.5


def test_a_killed_shard_of_detection_goes_on_where_it_stopped(shards, tmp_path, capsys):
    whole = shards.run(tmp_path / "whole").read_bytes()
    shards.batches.clear()
    shards.dies_at = 2
    with pytest.raises(KeyboardInterrupt):
        shards.run(tmp_path)
    assert not (tmp_path / "1-of-1.parquet").exists() and shards.batches == [2, 2]
    shards.dies_at = None
    assert shards.run(tmp_path).read_bytes() == whole
    assert shards.batches == [2, 2, 2, 1] and "2 of 4 blocks are done" in capsys.readouterr().out
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_too_many_bad_pictures_stop_detection_and_mended_ones_are_detected_again(
    shards, drawn, tmp_path, capsys
):
    shards.folder = tmp_path / "pictures"
    shutil.copytree(drawn, shards.folder)
    whole = shards.run(tmp_path / "whole").read_bytes()
    people = read_people(drawn / "manifest.parquet")
    bad = shards.folder / "3.png"
    bad.write_bytes(b"")
    lost = people.loc[people["image"] == "3.png", "sample_id"]
    marked = pd.read_parquet(shards.run(tmp_path, failures=0.5)).set_index("sample_id")
    assert set(marked.index[marked["problem"] != ""]) == set(lost)
    assert not marked.loc[lost, "detected"].any()
    assert f"not detected: sample_id {lost.iloc[0]}: {bad}" in capsys.readouterr().out
    said = f"were not detected, more than the share 0 .* failures .* sample_id {lost.iloc[0]}"
    with pytest.raises(InputError, match=said):
        shards.run(tmp_path)
    shutil.copy(drawn / "3.png", bad)
    shards.batches.clear()
    assert shards.run(tmp_path).read_bytes() == whole
    assert shards.batches == [2, 2, 1]  # the first batch was done


def test_annotated_bodies_are_not_detected_and_stand_in_the_table(shards, tmp_path):
    people = read_people(shards.folder / "manifest.parquet")
    first = people.loc[people["image"] < "6.png", ["sample_id"]]
    annotated = first.assign(**dict.fromkeys(BODY, 1.0), score=1.0, detected=True)
    write_table(annotated, tmp_path / "annotated.parquet")
    parts = [shards.run(tmp_path, number, 2, tmp_path / "annotated.parquet") for number in (1, 2)]
    assert shards.batches == [1]
    merge_bodies(parts, tmp_path / "annotated.parquet", tmp_path / "bodies.parquet")
    table = pd.read_parquet(tmp_path / "bodies.parquet")
    assert (table["sample_id"] == people["sample_id"]).all() and (table["problem"] == "").all()
    assert (table["body_x0"] == 1).sum() == len(first)


SIZE = {"held_out": 2, "width": 160, "height": 120}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A detector of two steps."""
    folder = tmp_path_factory.mktemp("detector") / "world"
    accuracy = train_world_detector(folder, recipe=DetectorRecipe(3, 2, 2, **SIZE), device="cpu")
    return folder, accuracy


def test_training_writes_a_detector(trained):
    folder, accuracy = trained
    assert sorted(path.name for path in folder.iterdir()) == [
        "card.json", "config.json", "model.safetensors",
    ]  # fmt: skip
    assert (folder / "model.safetensors").stat().st_size < 2_000_000
    assert set(accuracy) == {"web", "gaze"}
    card = json.loads((folder / "card.json").read_text())
    assert card["finds"] == "people" and "heads_matched_right" in card["held_out"]["gaze"]
    detector = load_detector(folder / "model.safetensors")
    state = detector.state_dict()
    for name, stored in load_file(folder / "model.safetensors").items():
        assert torch.equal(state[name], stored.to(state[name].dtype)), name
        assert not stored.is_floating_point() or torch.isfinite(stored).all(), name


@pytest.mark.slow
def test_training_depends_on_its_seed_alone(trained, tmp_path):
    folder, _ = trained
    torch.rand(3)
    recipe = DetectorRecipe(3, 2, 2, **SIZE)
    train_world_detector(tmp_path / "again", recipe=recipe, device="cpu")
    train_world_detector(tmp_path / "other", seed=1, recipe=recipe, device="cpu")
    content = (folder / "model.safetensors").read_bytes()
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == content
    assert (tmp_path / "other" / "model.safetensors").read_bytes() != content


def test_detector_takes_any_image(trained):
    detector = load_detector(trained[0] / "model.safetensors")
    detector.roi_heads.score_thresh = 0.0
    images = [np.zeros((90, 160, 3), np.uint8), Image.new("RGB", (50, 200), "red")]
    for image, (boxes, scores) in zip(images, detect(detector, images), strict=True):
        height, width = np.asarray(image).shape[:2]
        assert len(boxes) == len(scores) <= 8
        assert (boxes >= 0).all()
        assert (boxes <= [width, height, width, height]).all()
        assert (np.diff(scores) <= 0).all()


def test_a_picture_of_which_resizing_leaves_nothing_holds_nobody(trained):
    detector = load_detector(trained[0] / "model.safetensors")
    detector.roi_heads.score_thresh = 0.0
    images = [np.zeros((3, 20_000, 3), np.uint8), np.zeros((90, 160, 3), np.uint8)]
    (nothing, _), (boxes, _) = detect(detector, images)
    assert nothing.shape == (0, 4) and len(boxes)
    assert (boxes == detect(detector, images[1:])[0][0]).all()


def test_load_refuses_what_does_not_fit(trained, tmp_path):
    weights = trained[0] / "model.safetensors"
    with pytest.raises(InputError, match="no such file"):
        load_detector(tmp_path / "none.safetensors", DetectorConfig.world())
    with pytest.raises(InputError, match="does not fit a 'small' detector"):
        load_detector(weights, DetectorConfig(architecture="small", classes=2, pyramid=8))
    broken = tmp_path / "model.safetensors"
    broken.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match="not a readable safetensors file"):
        load_detector(broken, DetectorConfig.world())
    state = load_file(weights)
    state.pop("rpn.head.bbox_pred.bias")
    save_file(state, broken)
    with pytest.raises(InputError, match="Missing key"):
        load_detector(broken, DetectorConfig.world())


def test_published_weight_files_load_without_running_code(tmp_path):
    detector = build_detector(DetectorConfig.world())
    torch.save(detector.state_dict(), tmp_path / "model.pth")
    loaded = load_detector(tmp_path / "model.pth", DetectorConfig.world())
    assert torch.equal(loaded.rpn.head.bbox_pred.weight, detector.rpn.head.bbox_pred.weight)
    torch.save({"model": detector}, tmp_path / "whole.pth")
    with pytest.raises(InputError, match="only tensors and plain settings are read"):
        load_detector(tmp_path / "whole.pth", DetectorConfig.world())


def test_coco_architecture_is_torchvisions():
    with torch.device("meta"):
        detector = build_detector(DetectorConfig.coco())
    assert sum(weight.numel() for weight in detector.parameters()) == 46_359_409
    assert detector.roi_heads.score_thresh == 0.6


def test_examples_and_their_views_agree():
    for example in draw_examples(0, range(3), "web", 160, 120):
        for column in range(4):
            view = augment(example, np.random.default_rng(column))[1]
            for bounds, mask in zip(view["boxes"], view["masks"], strict=True):
                ys, xs = torch.nonzero(mask, as_tuple=True)
                bounded = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
                assert bounds.tolist() == [float(value) for value in bounded]


def test_measure_counts_hits():
    truth = np.array([[0, 0, 20, 40], [40, 0, 60, 20]], np.float32)
    heads = np.array([[5, 0, 15, 8], [45, 0, 55, 8]], float)
    example = TrainingScene(
        np.zeros((48, 64, 3), np.uint8), np.zeros((2, 48, 64), bool), truth, heads
    )
    accuracy = measure(FixedDetector(), [example])
    assert (accuracy.people, accuracy.recall, accuracy.precision) == (2, 1, 1)
    assert accuracy.mean_iou == pytest.approx(0.75)
    matched = measure_match(FixedDetector(), [example])
    assert (matched.heads_matched, matched.heads_matched_right) == (1, 1)
