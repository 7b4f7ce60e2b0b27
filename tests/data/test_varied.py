"""Maps that are the same for everybody."""

import numpy as np
import pandas as pd
import pytest

from gcdr.base.errors import InputError
from gcdr.data.varied import SEVERAL, varied_blocks


def looked_at(maps: np.ndarray, valid: np.ndarray, image: list[str], size: int = 4) -> int:
    people = pd.DataFrame({"sample_id": np.arange(len(maps)), "image": image})
    parts = [slice(start, start + size) for start in range(0, len(maps), size)]
    blocks = [
        {"sample_id": np.arange(len(maps))[part], "heatmap": maps[part], "valid": valid[part]}
        for part in parts
    ]
    return len(list(varied_blocks(blocks, people, "points.csv")))


@pytest.mark.parametrize("size", [1, 4, 100])
def test_equal_maps_are_named_across_blocks(size: int) -> None:
    one = np.random.default_rng(0).random((1, 8, 8))
    maps = np.repeat(one[None], SEVERAL + 2, 0)
    valid = np.arange(len(maps)) > 1
    maps[0] = np.nan  # what is invalid may hold anything
    images = [f"{number}.jpg" for number in range(len(maps))]
    message = rf"points\.csv: the maps of all {SEVERAL} people are the same, expected"
    with pytest.raises(InputError, match=message):
        looked_at(maps, valid, images, size)
    maps[-1, 0, 0, 0] += 1
    assert looked_at(maps, valid, images, size) == -(-len(maps) // size)


def test_a_crowd_in_one_picture_may_look_at_one_place() -> None:
    maps = np.ones((30, 1, 8, 8))
    assert looked_at(maps, np.ones(30, bool), ["stage.jpg"] * 30) == 8
    few = SEVERAL - 1
    assert looked_at(maps[:few], np.ones(few, bool), [str(i) for i in range(few)], few) == 1
    assert looked_at(maps, np.zeros(30, bool), [str(i) for i in range(30)]) == 8
