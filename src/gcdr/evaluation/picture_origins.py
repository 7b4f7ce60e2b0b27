"""Which pictures of GazeFollow's test set a prior's pretraining may have seen.

``gazefollow_test.txt`` has a letter a picture, in the order of their numbers: the data set that each was
taken from, as the public corrected annotations name it.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

SOURCES = {
    "c": "COCO 2014, training",
    "v": "COCO 2014, validation",
    "p": "Pascal VOC",
    "a": "Actions",
    "s": "SUN",
    "i": "ImageNet",
}
SEEN = ("c", "v", "p")
"""Letters of what vision-language models and detectors are commonly trained on."""
NUMBER = re.compile(r"test2?/\d{8}/(\d{8})\.\w+$")


@cache
def letters() -> str:
    """The letter of every test picture, by its number less 1."""
    text = Path(__file__).with_name("gazefollow_test.txt").read_text()
    return "".join(text.split())


def may_be_seen(images: Iterable[str]) -> list[bool | None]:
    """Whether test pictures come from COCO or Pascal, by name; None of who is none of GazeFollow's."""
    return [None if (letter := source_of(image)) is None else letter in SEEN for image in images]


def source_of(image: str) -> str | None:
    """The letter of a picture such as ``test2/00000000/00000001.jpg``; None of another one."""
    found = NUMBER.search(image)
    number = int(found[1]) if found else 0
    return letters()[number - 1] if 1 <= number <= len(letters()) else None


def parted_by_origin(images: np.ndarray, distance: np.ndarray) -> dict[str, np.ndarray]:
    """Distances of people apart by where their pictures come from.

    Args:
        images: (N,) names of pictures.
        distance: (N,) float64.

    Returns:
        ``dist_to_mean_seen`` and ``dist_to_mean_unseen`` (N,), each NaN of the others' people; nothing
        where no picture is of GazeFollow's test set.
    """
    seen = np.array(may_be_seen(images), object)
    parts = {"seen": seen == True, "unseen": seen == False}  # noqa: E712
    if not (parts["seen"] | parts["unseen"]).any():
        return {}
    return {
        f"dist_to_mean_{name}": np.where(rows, distance, np.nan) for name, rows in parts.items()
    }
