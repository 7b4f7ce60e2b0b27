"""From manifest rows to tensors: a cache of resized pictures, and batches made from it.

Images are decoded and resized once, into one HDF5 file with contiguous uint8 arrays that training maps
into memory: a shuffled read costs no decoding and memory stays flat in the size of the data set.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from gcdr.base.errors import InputError
from gcdr.base.failures import Failures
from gcdr.base.files import atomic, state_size
from gcdr.data.crops import HEAD_MARGIN, grow, head_of, head_pixels, scene_of
from gcdr.data.lookup import places
from gcdr.data.manifest import boxes, people_digest
from gcdr.data.pictures import open_image


def write_samples(people: pd.DataFrame, root: Path, size: int, path: Path, failures: float) -> None:
    """Decode and resize every image once; how large the cache will be is said before.

    People whose image cannot be read, or is of another size than the manifest says, get black pictures
    and a problem.

    Args:
        people: the manifest's people, by ``sample_id``.
        root: folder that ``image`` is relative to.
        size: side of the model's input in pixels; scenes are kept at it, head crops a margin larger.
        path: HDF5 file: ``scene`` (M, 3, size, size) and ``head`` (N, 3, C, C) uint8, ``scene_index``,
            ``sample_id``, ``head_box`` (N, 4) in 0..1 and ``problem`` (N,) text, empty where there is none.
        failures: share of the people, 0 to 1, whose image may be absent, unreadable or of another size.

    Raises:
        InputError: these are more, or the disk has no room for the cache.
    """
    region = grow(people[["head_x0", "head_y0", "head_x1", "head_y1"]].to_numpy(), HEAD_MARGIN)
    sizes = people[["width", "height"]].to_numpy(int)
    failed = Failures("without a picture", len(people), failures)
    with _new_cache(people, size, path) as (scene, head, problem, names, scene_index):
        head_size = head.shape[-1]
        rows = pd.Series(np.arange(len(people))).groupby(scene_index).indices
        for index, name in enumerate(tqdm(names, "resizing", unit="image", mininterval=5)):
            try:
                image = open_image(root / name, tuple(sizes[rows[index][0]].tolist()))
            except InputError as error:
                problem[rows[index]] = str(error)
                failed.add(people["sample_id"].iloc[rows[index]], str(error))
                image = Image.new("RGB", (1, 1))  # black, and so is all around it
            scene[index] = scene_of(image, size)
            for row in rows[index]:
                head[row] = head_of(image, region[row], head_size)


@contextmanager
def _new_cache(
    people: pd.DataFrame, size: int, path: Path
) -> Iterator[tuple[h5py.Dataset, h5py.Dataset, np.ndarray, np.ndarray, np.ndarray]]:
    """A cache in which all but the pictures is written: ``scene``, ``head`` and ``problem``, to be filled,
    the images' names (M,) and ``scene_index``."""
    names, scene_index = np.unique(people["image"].to_numpy(), return_inverse=True)
    head_size = head_pixels(size)
    state_size(path, 3 * (len(names) * size**2 + len(people) * head_size**2))
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        scene = file.create_dataset("scene", (len(names), 3, size, size), np.uint8)
        head = file.create_dataset("head", (len(people), 3, head_size, head_size), np.uint8)
        problem = np.full(len(people), "", object)
        yield scene, head, problem, names, scene_index
        file["scene_index"], file["head_box"] = scene_index, boxes(people)
        file["sample_id"] = people["sample_id"].to_numpy()
        file.create_dataset("problem", data=problem, dtype=h5py.string_dtype())
        file.attrs["people"] = people_digest(people)


@dataclass(frozen=True)
class Pictures:
    """Unaugmented, unnormalised pictures of people; an image may be held once for several of them.

    Attributes:
        images: (M, 3, S, S) float32 in 0..1.
        image_of: (N,) int64, which image a person is in.
        heads: (N, 3, C, C) float32 in 0..1, head boxes with their margin.
        head_box: (N, 4) float32 in 0..1 of the image.
    """

    images: Tensor
    image_of: Tensor
    heads: Tensor
    head_box: Tensor


@dataclass(frozen=True)
class Samples:
    """The cache, mapped into memory.

    Attributes:
        sample_id: (N,) int64, ascending.
        head_box: (N, 4) float32 in 0..1.
        scene: (M, 3, S, S) uint8, mapped.
        scene_index: (N,) which scene a person is in.
        head: (N, 3, C, C) uint8, mapped: head box with ``HEAD_MARGIN``.
        problem: (N,) text: why a person's picture could not be read, and is black here; else empty.
        people: digest of the people.
    """

    sample_id: np.ndarray
    head_box: np.ndarray
    scene: np.ndarray
    scene_index: np.ndarray
    head: np.ndarray
    problem: np.ndarray
    people: str

    @classmethod
    def open(cls, path: str | Path) -> "Samples":
        """Map a cache.

        Raises:
            InputError: the file is absent or not such a cache.
        """
        try:
            with h5py.File(path, "r") as file:
                mapped = {
                    name: np.memmap(
                        path, np.uint8, "r", file[name].id.get_offset(), file[name].shape
                    )
                    for name in ("scene", "head")
                }
                return cls(
                    file["sample_id"][:],
                    file["head_box"][:].astype(np.float32),
                    mapped["scene"],
                    file["scene_index"][:],
                    mapped["head"],
                    file["problem"].asstr()[:],
                    file.attrs["people"],
                )
        except (OSError, KeyError) as error:
            raise InputError(f"{path}: not a cache of samples ({error})") from error

    @property
    def size(self) -> int:
        """Side of the scene in pixels."""
        return self.scene.shape[-1]

    def rows(self, sample_id: np.ndarray) -> np.ndarray:
        """Row numbers of people.

        Raises:
            InputError: somebody is not in the cache.
        """
        return places(self.sample_id, sample_id, "the picture cache")

    def readable(self, sample_id: np.ndarray, who: str) -> np.ndarray:
        """Whose picture could be read. All who choose people ask here; it says who is left out.

        Args:
            sample_id: (n,) int64.
            who: what they are called in the log: ``"labelled"``.

        Returns:
            (n,) bool.
        """
        problem = self.problem[self.rows(sample_id)]
        readable = problem == ""
        if not readable.all():
            print(
                f"{int((~readable).sum())} of {len(problem)} {who} people are left out, as their picture "
                f"cannot be read; first {problem[~readable][0]}"
            )
        return readable

    def pictures(self, rows: np.ndarray, device: torch.device, *, each: bool = False) -> Pictures:
        """Pictures of people.

        Args:
            rows: (n,) their rows.
            device: where to put them.
            each: give everybody an image of their own, as views of their own need; else an image is
                held once.
        """
        index = self.scene_index[rows]
        shown, image_of = (index, np.arange(len(rows))) if each else _first_seen(index)
        images = torch.from_numpy(np.asarray(self.scene[shown]))
        heads = torch.from_numpy(np.asarray(self.head[rows]))
        images, heads = (picture.to(device).float().div_(255) for picture in (images, heads))
        box = torch.from_numpy(self.head_box[rows])
        return Pictures(images, torch.from_numpy(image_of).to(device), heads, box.to(device))


def _first_seen(index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different values in the order in which they come, and which of them each is."""
    values, first, inverse = np.unique(index, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return values[order], rank[inverse]


def copy_samples(
    people: pd.DataFrame,
    sources: Iterable[tuple[Path, np.ndarray, np.ndarray]],
    size: int,
    path: Path,
) -> None:
    """The cache of people whose pictures other caches hold: the same bits, and nothing is decoded.

    Args:
        people: the manifest's people, by ``sample_id``.
        sources: caches of the same size; for each the rows (n,) of ``people`` that it gives and their
            ``sample_id`` (n,) in it. People of one image come from one cache.
        size: side of the scenes.
        path: the cache, as :func:`write_samples` writes it.

    Raises:
        InputError: a cache is absent or none, or the disk has no room.
    """
    with _new_cache(people, size, path) as (scene, head, problem, _, scene_index):
        for source, at, ids in sources:
            cache = Samples.open(source)
            rows = cache.rows(ids)
            problem[at] = cache.problem[rows]
            for place, row in zip(at, rows, strict=True):
                head[place] = cache.head[row]
            indices, first = np.unique(scene_index[at], return_index=True)
            for index, row in zip(indices, rows[first], strict=True):
                scene[index] = cache.scene[cache.scene_index[row]]
