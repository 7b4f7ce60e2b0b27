"""The demo world: scenes are pure functions, and annotations, masks and answers fit the picture."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcdr.world.annotators import annotate
from gcdr.world.placement import angle_between, direction
from gcdr.world.questions import NOUNS, VOCABULARY, direction_words, questions_about, words
from gcdr.world.render import person_masks, render
from gcdr.world.scene import Scene, draw_scene
from gcdr.world.style import STYLES

GAZE, WEB = STYLES["gaze"], STYLES["web"]
CROWD = replace(GAZE, people_weights=(0.0, 0.3, 0.7))
scenes = st.builds(
    draw_scene,
    st.integers(0, 2**31),
    st.integers(0, 10**6),
    st.sampled_from([GAZE, WEB, CROWD]),
)
some = settings(max_examples=40)


def _inside(box: tuple[float, ...], x: float, y: float, slack: float = 0.0) -> bool:
    return box[0] - slack <= x <= box[2] + slack and box[1] - slack <= y <= box[3] + slack


def test_same_arguments_same_bytes_in_any_order():
    forward = [render(draw_scene(3, k, GAZE), 160, 120) for k in range(6)]
    render(draw_scene(9, 2, WEB), 96, 64, supersample=1)
    backward = [render(draw_scene(3, k, GAZE), 160, 120) for k in reversed(range(6))]
    assert all(np.array_equal(a, b) for a, b in zip(forward, reversed(backward), strict=True))
    assert draw_scene(3, 4, GAZE) == draw_scene(3, 4, GAZE)
    assert draw_scene(3, 4, GAZE) != draw_scene(4, 4, GAZE) != draw_scene(4, 5, GAZE)


@pytest.mark.parametrize("size", [(320, 240), (64, 64), (90, 160), (33, 21)])
@pytest.mark.parametrize("supersample", [1, 2])
def test_pictures_have_the_asked_size_and_contrast(size, supersample):
    picture = render(draw_scene(0, 1, GAZE), *size, supersample=supersample)
    assert picture.shape == (size[1], size[0], 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 15


@some
@given(scenes)
def test_boxes_lie_in_the_frame(scene: Scene):
    assert 1 <= len(scene.people) <= 3
    assert len({thing.noun for thing in scene.things}) == len(scene.things) >= 1
    for person in scene.people:
        for x0, y0, x1, y1 in (person.head_box, person.body_box):
            assert 0 <= x0 < x1 <= 1
            assert 0 <= y0 < y1 <= 1
        assert _inside(person.body_box, *person.head_box[:2])
        assert _inside(person.body_box, *person.head_box[2:])
    for thing in scene.things:
        assert 0 < thing.box[0] < thing.box[2] < 1
        assert 0 < thing.box[1] < thing.box[3] < 1


@some
@given(scenes)
def test_gaze_points_lie_on_their_targets_and_are_visible(scene: Scene):
    width, height = 320, 240
    masks = person_masks(scene, width, height)
    for number, person in enumerate(scene.people):
        assert person.in_frame == (person.gaze is not None) == (person.noun is not None)
        if person.gaze is None:
            continue
        x, y = person.gaze
        covered = masks[:, int(y * height), int(x * width)]
        if person.noun == "person":
            others = [k for k, other in enumerate(scene.people) if k != number]
            assert any(_inside(scene.people[k].head_box, x, y) and covered[k] for k in others)
            continue
        grounds = [p.figure.ground for p, hit in zip(scene.people, covered, strict=True) if hit]
        if person.noun in NOUNS:
            target = next(t for t in scene.things if t.noun == person.noun)
            assert _inside(target.box, x, y)
            # Somebody behind may show through a gap of the thing, as between a chair's legs.
            assert all(ground < target.place.depth for ground in grounds)
            nearer = [t for t in scene.things if t.place.depth > target.place.depth]
            assert not any(_inside(t.box, x, y) for t in nearer)
        else:
            assert person.noun == ("wall" if y < scene.room.horizon else "floor")
            assert not grounds
            assert not any(_inside(t.box, x, y) for t in scene.things)


@some
@given(scenes)
def test_masks_are_disjoint_and_inside_the_body_boxes(scene: Scene):
    width, height = 160, 120
    masks = person_masks(scene, width, height)
    assert masks.shape == (len(scene.people), height, width)
    assert masks.dtype == bool
    assert masks.sum(axis=0).max() <= 1
    for mask, person in zip(masks, scene.people, strict=True):
        rows, columns = np.nonzero(mask)
        assert len(rows) > 200
        x0, y0, x1, y1 = person.body_box
        assert columns.min() >= x0 * width - 1.5
        assert columns.max() <= x1 * width + 1.5
        assert rows.min() >= y0 * height - 1.5
        assert rows.max() <= y1 * height + 1.5


@pytest.mark.slow
def test_annotators_disagree_like_people():
    distances = []
    for index in range(260):
        scene = draw_scene(2, index, GAZE)
        for number, person in enumerate(scene.people):
            if person.in_frame:
                points = annotate(scene, number, 2, index)
                assert points.shape == (10, 2)
                assert points.min() >= 0
                assert points.max() <= 1
                others = (points.sum(axis=0) - points) / 9
                distances.append(np.hypot(*(points - others).T).mean())
    assert len(distances) > 250
    assert 0.07 <= np.mean(distances) <= 0.10


def test_annotations_depend_on_their_arguments_only():
    scene = draw_scene(2, 0, replace(GAZE, target_outside=0.0))
    first = annotate(scene, 0, 2, 0, count=4)
    assert np.array_equal(first, annotate(scene, 0, 2, 0, count=4))
    assert not np.array_equal(first, annotate(scene, 0, 3, 0, count=4))


def test_nobody_annotates_a_gaze_out_of_the_frame():
    outside = replace(GAZE, target_thing=0.0, target_empty=0.0, target_face=0.0)
    scene = draw_scene(0, 0, replace(outside, people_weights=(0.0, 1.0)))
    assert not any(person.in_frame for person in scene.people)
    with pytest.raises(ValueError, match="out of the frame"):
        annotate(scene, 0, 0, 0)


@some
@given(scenes, st.integers(0, 2**31))
def test_answers_fit_the_scene_and_the_vocabulary(scene: Scene, seed: int):
    nouns = {thing.noun for thing in scene.things}
    for number, person in enumerate(scene.people):
        asked = questions_about(scene, number, np.random.default_rng(seed))
        kinds = {"gaze", "describe", "relation", "where", "panorama", "caption"}
        assert set(asked) == kinds
        for question, answer in filter(None, asked.values()):
            assert set(words(question)) | set(words(answer)) <= set(VOCABULARY)
            assert not any(character.isdigit() for character in question + answer)
        gaze, describe = asked["gaze"][1], asked["describe"][1]
        assert describe.startswith(f"looking {direction_words(person.direction)} ")
        assert describe.endswith(gaze)
        assert (gaze == "outside the picture") == (not person.in_frame)
        if person.noun in NOUNS:
            assert gaze == f"the {person.noun}"
        assert set(words(asked["caption"][1])) & set(NOUNS) == nouns
        head = person.figure.head
        around = {
            f"the {thing.noun}": (thing.center[0] * scene.style.aspect, thing.center[1])
            for thing in scene.things
        }
        told = dict(part.split(" at ") for part in asked["panorama"][1].split(", "))
        for place in around.values():
            where = direction_words(direction(head, place))
            nearest = told[where]
            if nearest in around:
                assert math.dist(head, around[nearest]) <= math.dist(head, place)
        question, answer = asked["relation"]
        where = question.removeprefix("What is ").removesuffix(
            " of the person in the green bounding box?"
        )
        assert told[where] == answer
        question, answer = asked["where"]
        name = question.removeprefix("Where is ").split(",")[0]
        if name in around:
            assert answer == direction_words(direction(head, around[name]))


@pytest.mark.parametrize(
    ("angle", "expected"),
    [(0, "right"), (90, "down"), (-90, "up"), (180, "left"), (-130, "up left")],
)
def test_direction_words(angle, expected):
    assert direction_words(np.radians(angle)) == expected


def _distracted(style) -> float:
    """Share of people with another thing near the line to the thing they look at."""
    hits = []
    for index in range(120):
        scene = draw_scene(5, index, style)
        for person in scene.people:
            if person.noun in NOUNS:
                head = person.figure.head
                hits.append(any(
                    t.noun != person.noun
                    and angle_between(
                        direction(head, (t.center[0] * style.aspect, t.center[1])), person.direction
                    ) <= style.distractor_angle
                    for t in scene.things
                ))  # fmt: skip
    return float(np.mean(hits))


@pytest.mark.slow
def test_knobs_change_the_difficulty():
    assert _distracted(replace(GAZE, distractor_probability=1.0)) > 0.2 + _distracted(
        replace(GAZE, distractor_probability=0.0)
    )
    inside = replace(GAZE, target_outside=0.0)
    people = [p for k in range(60) for p in draw_scene(1, k, inside).people]
    assert all(person.in_frame for person in people)
    noisy = replace(GAZE, head_noise=40.0, eye_noise=0.0)
    scene, plain = draw_scene(1, 0, noisy), draw_scene(1, 0, GAZE)
    assert scene.people[0].gaze == plain.people[0].gaze
    assert scene.people[0].figure.angle != plain.people[0].figure.angle


def test_lookalikes_are_drawn_as_another_thing():
    style = replace(WEB, lookalikes=(("cat", "dog", 1.0),))
    shapes = {t.shape for k in range(40) for t in draw_scene(1, k, style).things if t.noun == "cat"}
    assert shapes == {"dog"}
