"""What a frozen backbone makes of every image, kept once: its tokens never change while a decoder learns.

Half-precision arrays in one HDF5 file, mapped into memory as the picture cache is: an image as it is and
flipped, so that training may flip it without asking the backbone again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.data.begun import BegunArray, begun_array
from gcdr.data.cache import VERSION, Cached, Samples, first_seen
from gcdr.data.cached_people import write_people
from gcdr.data.checksums import checksum_of
from gcdr.data.hdf5 import kind_of_hdf5, open_hdf5, say_content
from gcdr.data.manifest import people_digest
from gcdr.data.picture_rows import MappedRows
from gcdr.data.sink import NewFile

TOKENS = "tokens"
CACHE = "gcdr token cache"


@dataclass(frozen=True)
class ImageTokens:
    """What stands in the place of :class:`gcdr.data.cache.Pictures`.

    Attributes:
        tokens: (M, C, rows, columns) float32; float16 as stored.
        image_of: (N,) int64, which of them a person is in.
        head_box: (N, 4) float32 in 0..1 of the image.
    """

    tokens: Tensor
    image_of: Tensor
    head_box: Tensor

    def in_floats(self) -> "ImageTokens":
        """Stored tokens in single precision."""
        return replace(self, tokens=self.tokens.float())


@dataclass(frozen=True, kw_only=True)
class Tokens(Cached):
    """A cache of tokens, mapped into memory; the people in it are asked for as in :class:`Samples`.

    Attributes:
        tokens: (M, 2, C, rows, columns) float16, mapped: of each image as it is, and flipped.
            An image is compared with its checksum when it is first read.
        backbone: digest of the weights that made them.
    """

    tokens: MappedRows
    backbone: str

    @classmethod
    def open(cls, path: str | Path, people: str | None = None) -> "Tokens":
        """Map a cache.

        Args:
            path: the file.
            people: digest of the people that it must be of; None where the caller compares ``people``.

        Raises:
            InputError: the file is absent, not such a cache, damaged, or of other people.
        """
        with open_hdf5(path, CACHE, VERSION, (TOKENS,), people) as held:
            tokens = MappedRows(held, TOKENS, np.float16, 5)
            backbone = held.attributes["made_by"].get("backbone")
            if not isinstance(backbone, str):
                raise InputError(f"{path}: does not say which backbone made it; make it again")
            return cls(tokens=tokens, backbone=backbone, **cls.people_of(held, len(tokens)))

    def stored(self, rows: np.ndarray, flip: Tensor | None = None) -> ImageTokens:
        """Tokens of the images of people as they are stored, on the CPU.

        Args:
            rows: (n,) their rows.
            flip: (n,) bool, whose image is flipped, everybody having one of their own; None: as they
                are, an image once.
        """
        index = self.scene_index[rows]
        shown, image_of = (index, np.arange(len(rows))) if flip is not None else first_seen(index)
        sides = np.zeros(len(shown), int) if flip is None else flip.numpy().astype(int)
        arrays = self.tokens[shown, sides], image_of, self.head_box[rows]
        return ImageTokens(*(torch.from_numpy(array) for array in arrays))


@contextmanager
def new_tokens(
    people: pd.DataFrame, shape: tuple[int, int, int], backbone: str, path: Path, key: str
) -> Iterator[BegunArray]:
    """A cache in which all but the tokens is written; how large it will be is said before.

    Args:
        people: the manifest's people, by ``sample_id``.
        shape: of an image's tokens, (C, rows, columns).
        backbone: digest of the weights.
        path: the HDF5 file.
        key: of what decides the tokens, see :func:`gcdr.data.begun.begun_array`.

    Yields:
        the array of the tokens of the images, in the order of their names; some may be there.

    Raises:
        InputError: the disk has no room, or does not take it.
    """
    names, scene_index = np.unique(people["image"].to_numpy(), return_inverse=True)

    def seal(file: NewFile, tokens: BegunArray) -> None:
        failed = tokens.problems()
        of_image = np.array([failed.get(image, "") for image in range(len(names))], object)
        write_people(file, people, scene_index, of_image[scene_index])
        file[checksum_of(TOKENS)] = tokens.checksums()
        made_by = {"backbone": backbone}
        say_content(file, CACHE, VERSION, people_digest(people), made_by, large=(TOKENS,))

    rows = (len(names), 2, *shape)
    with begun_array(path, key, TOKENS, rows, np.float16, seal) as tokens:
        yield tokens


Cache = Samples | Tokens
"""What models are shown of people: pictures, or the tokens of a frozen backbone."""


def open_cache(path: str | Path, people: str | None = None) -> Cache:
    """The cache of pictures or of tokens that a file is.

    Args:
        path: the file.
        people: digest of the people that it must be of; None where the caller compares ``people``.

    Raises:
        InputError: the file is absent, neither, damaged, or of other people.
    """
    return (Tokens if kind_of_hdf5(path) == CACHE else Samples).open(path, people)
