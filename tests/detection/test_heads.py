"""Finding heads: the geometry of faces, what detectors are accepted, and the table that is written."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from small_data import write

from gcdr.base.errors import InputError
from gcdr.cli.commands import main
from gcdr.detection.faces import FACE, HEIGHT, find_by_faces, head_box, keypoint_detector
from gcdr.detection.heads import find_heads, load_finder, write_heads
from gcdr.detection.overlap import distinct
from gcdr.world.lessons import DetectorRecipe
from gcdr.world.weights.detectors import draw_examples, train_world_detector

ASSETS = Path(__file__).parents[2] / "assets/world"
CPU = torch.device("cpu")
BODY_BOX = np.array([0.0, 0, 400, 900])

angle = st.floats(-0.7, 0.7)
turn = st.floats(-np.pi, np.pi)
visible = st.lists(st.booleans(), min_size=5, max_size=5).filter(lambda seen: sum(seen) > 1)


def projected(yaw: float, pitch: float, roll: float, scale: float) -> np.ndarray:
    """(5, 2) the face's points as a distant camera sees a head at (200, 200)."""
    cos, sin = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    turned = FACE @ np.array([[cos[0], 0, -sin[0]], [0, 1, 0], [sin[0], 0, cos[0]]])
    turned = turned @ np.array([[1, 0, 0], [0, cos[1], -sin[1]], [0, sin[1], cos[1]]])
    return 200 + scale * turned[:, :2] @ np.array([[cos[2], sin[2]], [-sin[2], cos[2]]])


def scores(seen: list[bool]) -> np.ndarray:
    return np.where(seen, 5.0, -5.0)


@given(yaw=turn, pitch=angle, roll=turn, scale=st.floats(0.5, 20), seen=visible)
def test_head_is_never_too_large_and_holds_its_points(yaw, pitch, roll, scale, seen):
    points = projected(yaw, pitch, roll, scale)
    box = head_box(points, scores(seen), BODY_BOX)
    assert box is not None and np.ptp(box[2:] - box[:2]) < 1e-6
    side = box[2] - box[0]
    assert 0 < side <= HEIGHT * scale * (1 + 1e-9)
    # A side as short as this holds points that are as far apart as such a face's can be.
    middle, half = (box[:2] + box[2:]) / 2, 0.55 * side
    assert (np.abs(points[seen] - middle) <= half + 1e-6).all()


@given(yaw=turn, scale=st.floats(0.5, 20))
def test_whole_face_upright_gives_size_and_place_whichever_way_it_looks(yaw, scale):
    box = head_box(projected(yaw, 0, 0, scale), scores([True] * 5), BODY_BOX)
    assert 0.85 * HEIGHT * scale < box[2] - box[0]
    middle = (box[:2] + box[2:]) / 2
    assert np.linalg.norm(middle - 200) < 0.2 * HEIGHT * scale


@given(
    yaw=turn,
    pitch=angle,
    roll=turn,
    seen=visible,
    factor=st.floats(0.1, 10),
    move=st.integers(-99, 99),
)
def test_head_moves_grows_and_mirrors_with_the_picture(yaw, pitch, roll, seen, factor, move):
    points = projected(yaw, pitch, roll, 3)
    box = head_box(points, scores(seen), BODY_BOX)
    moved = head_box(points * factor + move, scores(seen), BODY_BOX * factor + move)
    np.testing.assert_allclose(moved, box * factor + move, rtol=1e-6, atol=1e-6)
    exchanged = [0, 2, 1, 4, 3]  # left is right in a mirror
    mirrored = (points * [-1, 1])[exchanged]
    found = head_box(mirrored, scores(seen)[exchanged], BODY_BOX[[2, 1, 0, 3]] * [-1, 1, -1, 1])
    np.testing.assert_allclose(found, (box * [-1, 1, -1, 1])[[2, 1, 0, 3]], atol=1e-6)


def test_one_visible_point_takes_the_size_from_the_top_of_the_body():
    points, nose = np.zeros((5, 2)), scores([True, False, False, False, False])
    points[0] = 200, 150  # 15 cm below the crown, so 10 pixels a centimetre
    np.testing.assert_allclose(head_box(points, nose, BODY_BOX), [85, 35, 315, 265])
    small = np.array([190, 0, 240, 900.0])  # a head is no wider than the person
    box = head_box(points, nose, small)
    np.testing.assert_allclose(box, [175, 125, 225, 175])


@pytest.mark.parametrize(
    ("points", "seen"),
    [
        (np.arange(10.0).reshape(5, 2), [False] * 5),
        (np.full((5, 2), 7.0), [True] * 5),
        (np.full((5, 2), -3.0), [True, False, False, False, False]),
    ],
)
def test_no_head_where_nothing_of_it_is_seen_or_it_has_no_size(points, seen):
    assert head_box(points, scores(seen), BODY_BOX) is None


class FixedKeypoints(torch.nn.Module):
    """Stands in for Keypoint R-CNN: one person found twice, one seen from behind, one further."""

    def __init__(self):
        super().__init__()
        self.anchor = torch.nn.Parameter(torch.zeros(()))

    def forward(self, images):
        points = torch.zeros(4, 17, 3)
        for row, (yaw, place) in enumerate([(0, 0), (0.1, 1), (0, 30), (1, 300)]):
            points[row, :5, :2] = torch.from_numpy(projected(yaw, 0, 0, 2) - 100 + place)
        seen = torch.full((4, 17), 5.0)
        seen[2, :5] = -1
        return [
            {
                "boxes": torch.tensor([[60.0, 60, 140, 300]]).repeat(4, 1),
                "labels": torch.ones(4, dtype=torch.int64),
                "scores": torch.tensor([0.7, 0.9, 0.8, 0.65]),
                "keypoints": points,
                "keypoints_scores": seen,
            }
            for _ in images
        ]


def test_heads_by_faces_are_one_a_person_whose_face_is_seen():
    found = find_by_faces(FixedKeypoints(), [Image.new("RGB", (640, 480))] * 2)
    assert len(found) == 2
    for boxes, best in found:
        np.testing.assert_allclose(best, [0.9, 0.65], atol=1e-6)
        np.testing.assert_allclose((boxes[:, 0] + boxes[:, 2]) / 2, [101, 400], atol=6)


def test_keypoint_architecture_is_torchvisions():
    with torch.device("meta"):
        detector = keypoint_detector(0.7)
    assert sum(weight.numel() for weight in detector.parameters()) == 59_137_258
    assert detector.roi_heads.score_thresh == 0.7 and not detector.training


@pytest.mark.slow
def test_detectors_that_find_no_heads_are_refused(tmp_path):
    with pytest.raises(InputError, match=r'detector/card\.json: not of .* "finds": "heads"'):
        load_finder(ASSETS / "detector", 0.6, CPU)
    with pytest.raises(InputError, match="no such file"):
        load_finder(tmp_path / "nowhere", 0.6, CPU)
    with pytest.raises(InputError, match="no such file"):
        load_finder(tmp_path / "nowhere.pth", 0.6, CPU)
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(InputError, match=r"text\.pth"):
        load_finder(tmp_path / "text.pth", 0.6, CPU)
    for content in ({"backbone.body.conv1.weight": torch.zeros(2)}, torch.zeros(3)):
        torch.save(content, tmp_path / "other.pth")
        with pytest.raises(InputError, match=r"other\.pth: found another model"):
            load_finder(tmp_path / "other.pth", 0.6, CPU)


def test_a_trained_detector_of_heads_is_accepted(tmp_path):
    recipe = DetectorRecipe(3, 2, 2, held_out=1, width=160, height=120)
    train_world_detector(tmp_path / "heads", "heads", recipe=recipe, device="cpu")
    finder = load_finder(tmp_path / "heads", 0.0, CPU)
    ((boxes, best),) = finder([Image.new("RGB", (50, 200), "red")])
    assert boxes.shape == (len(best), 4)


def test_heads_are_trained_on_what_is_seen_of_them():
    for example in draw_examples(0, range(6), "web", 160, 120, "heads"):
        np.testing.assert_allclose(example.boxes, example.heads, atol=1e-4)
        for mask, (x0, y0, x1, y1) in zip(example.masks, example.heads, strict=True):
            ys, xs = np.nonzero(mask)
            assert len(ys) > 0.4 * (x1 - x0) * (y1 - y0)
            assert xs.min() + 0.5 > x0 and xs.max() + 0.5 < x1
            assert ys.min() + 0.5 > y0 and ys.max() + 0.5 < y1


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four pictures, one without a head by the finder below, and what is none."""
    folder = tmp_path / "photos"
    write(folder, {"c.jpg": "picture", "sub/a.PNG": "picture", "b, 1.jpg": "picture"})
    Image.new("RGB", (30, 20)).save(folder / "a.jpg")
    write(folder, {"broken.jpg": "no picture", "notes.txt": "x", ".hidden/d.jpg": "picture"})
    return folder


class Fixed:
    """A finder of two heads, the lower one first, in pictures of a width above 40."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, images):
        self.batches.append(len(images))
        boxes = np.array([[20.004, 10, 90, 20], [1, 2, 11, 12], [5, 5, 5.4, 9]])
        scores = np.array([0.91234, 0.8, 0.7])
        return [(boxes, scores) if i.width > 40 else (boxes[:0], scores[:0]) for i in images]


def test_table_is_sorted_clipped_and_says_what_is_left_out(photos):
    finder = Fixed()
    found = find_heads(photos, finder, 2)
    assert finder.batches == [2, 1, 1]  # a.jpg and b, then broken.jpg and c, then the one in sub
    assert found.heads["image"].tolist() == [
        n for n in ("b, 1.jpg", "c.jpg", "sub/a.PNG") for _ in "12"
    ]
    assert found.heads.iloc[:2, 1:].to_numpy().tolist() == [
        [1, 2, 11, 12, 0.8],
        [20, 10, 64, 20, 0.9123],
    ]
    assert found.without == ["a.jpg"] and list(found.unreadable) == ["broken.jpg"]
    said = list(found.lines("faces"))
    assert any("broken.jpg: not a readable image" in line for line in said)
    assert "no head found: a.jpg" in said
    assert said[-1] == "6 heads found by faces in 3 pictures, none in 1; 1 could not be read"


def test_folders_without_pictures(photos, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        find_heads(tmp_path / "nowhere", Fixed(), 2)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no picture in this folder"):
        find_heads(tmp_path / "empty", Fixed(), 2)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures of the demo world, written in another order than that of their names."""
    folder = tmp_path_factory.mktemp("drawn")
    for number, example in reversed(list(enumerate(draw_examples(77, range(6), "gaze", 320, 240)))):
        Image.fromarray(example.image).save(folder / f"{number}.png")
    return folder


def test_same_pictures_give_the_same_table(drawn, tmp_path):
    out, again = tmp_path / "heads.csv", tmp_path / "again.csv"
    first = write_heads(drawn, out, ASSETS / "heads", score=0.6, device=CPU)
    write_heads(drawn, again, ASSETS / "heads", score=0.6, device=CPU)
    assert again.read_bytes() == out.read_bytes()
    table = pd.read_csv(out, dtype={"image": str})
    pd.testing.assert_frame_equal(table, first.heads)
    assert table.equals(table.sort_values(["image", "head_x0", "head_y0"]))
    truth = [len(e.heads) for e in draw_examples(77, range(6), "gaze", 320, 240)]
    assert (
        table["image"].value_counts(sort=False).reindex([f"{n}.png" for n in range(6)]).tolist()
        == truth
    )


def test_no_head_at_all_is_an_error_and_writes_nothing(drawn, tmp_path):
    with pytest.raises(
        InputError, match=r"found no head with a score of 1\.1 or more \(6 pictures"
    ):
        write_heads(drawn, tmp_path / "heads.csv", ASSETS / "heads", score=1.1, device=CPU)
    assert not list(tmp_path.iterdir())


def test_command_writes_a_table_that_check_takes(drawn, capsys, monkeypatch):
    monkeypatch.chdir(ASSETS.parents[1])
    assert main(["check", str(drawn)]) == 2
    advice = capsys.readouterr().err
    command = advice.split("gcdr ")[1].split()
    assert command == ["heads", str(drawn), "--out", str(drawn / "heads.csv")]
    told = ["--weights", "assets/world/heads", "--device", "cpu"]
    looked_at = drawn.parent / "looked-at"
    assert main([*command, *told, "--drawings", str(looked_at)]) == 0
    assert len(list(looked_at.iterdir())) == 6
    assert "found by assets/world/heads in 6 pictures, none in 0" in capsys.readouterr().out
    assert main(["check", str(drawn)]) == 0
    assert main(command) == 2 and "may hold corrections" in capsys.readouterr().err
    os.remove(drawn / "heads.csv")


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 40), most=st.floats(0.1, 0.9))
def test_boxes_kept_are_those_of_torchvision(seed, count, most):
    from torchvision.ops import nms

    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 30, (count, 2)).round()
    boxes = np.hstack([corner, corner + rng.uniform(1, 20, (count, 2)).round()])
    score = rng.integers(0, 5, count) / 4  # many are equal
    expected = nms(torch.from_numpy(boxes), torch.from_numpy(score), most).numpy()
    assert distinct(boxes, score, most).tolist() == expected.tolist()
