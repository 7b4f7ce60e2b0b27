"""Blocks of people: everybody once, in order, and an image's people together where it costs one pass."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gcdr.models.interface import Needs
from gcdr.predictor.predictor import BLOCK, people_parts


@given(st.lists(st.integers(0, 90), max_size=12))
def test_blocks(counts: list[int]) -> None:
    image = np.repeat(np.arange(len(counts)), counts)
    for per in ("person", "image"):
        parts = people_parts(image, SimpleNamespace(needs=Needs(per=per)))
        assert [n for part in parts for n in range(part.start, part.stop)] == [*range(len(image))]
        sizes = [part.stop - part.start for part in parts]
        assert all(size >= BLOCK for size in sizes[:-1])
        if per == "person":
            assert max(sizes, default=0) <= BLOCK
        else:
            blocks = [set(image[part].tolist()) for part in parts]
            assert sum(map(len, blocks)) == len(set(image.tolist()))
