"""What a frozen backbone makes of every image, kept once: its tokens never change while a decoder learns.

Half-precision arrays in one HDF5 file, mapped into memory as the picture cache is: an image as it is and
flipped, so that training may flip it without asking the backbone again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.data.cache import Cached, Samples, first_seen, new_cache

TOKENS = "tokens"


@dataclass(frozen=True, kw_only=True)
class Tokens(Cached):
    """A cache of tokens, mapped into memory; the people in it are asked for as in :class:`Samples`.

    Attributes:
        tokens: (M, 2, C, rows, columns) float16, mapped: of each image as it is, and flipped.
        backbone: digest of the weights that made them.
    """

    tokens: np.ndarray
    backbone: str

    @classmethod
    def open(cls, path: str | Path) -> "Tokens":
        """Map a cache.

        Raises:
            InputError: the file is absent or not such a cache.
        """
        try:
            with h5py.File(path, "r") as file:
                mapped = np.memmap(
                    path, np.float16, "r", file[TOKENS].id.get_offset(), file[TOKENS].shape
                )
                return cls(tokens=mapped, backbone=file.attrs["backbone"], **Cached.people_of(file))
        except (OSError, KeyError) as error:
            raise InputError(f"{path}: not a cache of tokens ({error})") from error

    def of(
        self, rows: np.ndarray, device: torch.device, flip: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Tokens of the images of people.

        Args:
            rows: (n,) their rows.
            device: where to put them.
            flip: (n,) bool, whose image is flipped, everybody having one of their own; None: as they
                are, an image once.

        Returns:
            tokens (M, C, rows, columns) float32, and which of them a person is in, (n,) int64.
        """
        index = self.scene_index[rows]
        shown, image_of = (index, np.arange(len(rows))) if flip is not None else first_seen(index)
        sides = np.zeros(len(shown), int) if flip is None else flip.cpu().numpy().astype(int)
        found = torch.from_numpy(self.tokens[shown, sides])
        return found.to(device).float(), torch.from_numpy(image_of).to(device)


@contextmanager
def new_tokens(
    people: pd.DataFrame, shape: tuple[int, int, int], backbone: str, path: Path
) -> Iterator[tuple[h5py.Dataset, np.ndarray, np.ndarray, np.ndarray]]:
    """A cache in which all but the tokens is written; how large it will be is said before.

    Args:
        people: the manifest's people, by ``sample_id``.
        shape: of an image's tokens, (C, rows, columns).
        backbone: digest of the weights.
        path: the HDF5 file.

    Yields:
        the dataset of the tokens, the people's ``problem`` to be filled, the images' names (M,) and
        ``scene_index`` (N,).
    """
    sizes = {TOKENS: ((2, *shape), np.float16)}
    with new_cache(people, sizes, {}, path) as (file, problem, names, scene_index):
        file.attrs["backbone"] = backbone
        yield file[TOKENS], problem, names, scene_index


Cache = Samples | Tokens
"""What models are shown of people: pictures, or the tokens of a frozen backbone."""


def open_cache(path: str | Path) -> Cache:
    """The cache of pictures or of tokens that a file is.

    Raises:
        InputError: the file is absent or neither.
    """
    try:
        with h5py.File(path, "r") as file:
            held = TOKENS in file
    except OSError as error:
        raise InputError(f"{path}: not a cache of people ({error})") from error
    return Tokens.open(path) if held else Samples.open(path)
