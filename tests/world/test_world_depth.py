"""The demo world's depth: what it is, and what an estimator would make of it."""

import numpy as np
import pytest

from gcdr.world.depth import estimated, scene_depth
from gcdr.world.render import back_to_front, person_masks
from gcdr.world.scene import Scene, draw_scene
from gcdr.world.style import STYLES


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [draw_scene(3, index, STYLES["gaze"]) for index in range(12)]


def test_depth_says_what_stands_in_front(scenes: list[Scene]) -> None:
    for scene in scenes:
        depth = scene_depth(scene, 120, 90)
        assert depth.shape == (90, 120) and depth.min() == 0 and depth.max() == 1
        masks = person_masks(scene, 120, 90)
        nearest = max(line for line, _ in back_to_front(scene))
        horizon = scene.room.horizon
        for person, mask in zip(scene.people, masks, strict=True):
            ground = person.figure.ground
            scale = max(nearest, (90 - 0.5) / 90) - horizon
            if mask.any():
                assert np.allclose(depth[mask], max(0, ground - horizon) / scale, atol=0.02)
        assert (depth[0][~masks.any(0)[0]] <= 0.2).all() or nearest > 0.9


def test_an_estimate_keeps_the_order_and_not_the_scale(scenes: list[Scene]) -> None:
    alike = []
    for number, scene in enumerate(scenes):
        depth = scene_depth(scene, 120, 90)
        one = estimated(depth, np.random.default_rng(number))
        assert one.dtype == np.float32 and (one.min(), one.max()) == (0, 1)
        assert np.array_equal(one, estimated(depth, np.random.default_rng(number)))
        assert np.abs(one - depth).max() > 0.1
        alike.append(np.corrcoef(one.ravel(), depth.ravel())[0, 1])
    assert 0.8 < np.mean(alike) < 0.999
