"""From manifest rows to tensors: a cache of resized pictures, and batches made from it.

Images are decoded and resized once, into one HDF5 file with contiguous uint8 arrays that training maps
into memory: a shuffled read costs no decoding and memory stays flat in the size of the data set.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from gcdr.base.errors import InputError
from gcdr.base.failures import Failures
from gcdr.base.files import state_size
from gcdr.data.along_tracks import Tracks
from gcdr.data.cached_people import write_people
from gcdr.data.crops import HEAD_MARGIN, HEAD_PADDING, grow, head_of, head_pixels, scene_of
from gcdr.data.depth_maps import DepthLook, check_depth_names, depth_file, open_depth, resized_depth
from gcdr.data.hdf5 import Held, kind_of_hdf5, new_hdf5, open_hdf5
from gcdr.data.lookup import places
from gcdr.data.manifest import people_digest
from gcdr.data.picture_rows import CheckedRows, MappedRows
from gcdr.data.pictures import open_image

PICTURES, VERSION = "gcdr picture cache", 2
DEEP = "gcdr picture cache with depth"

Arrays = Mapping[str, tuple[tuple[int, ...], Any]]
"""Shapes and types of arrays by name, of one image or one person."""
NewCache = tuple[Mapping[str, CheckedRows], np.ndarray, np.ndarray, np.ndarray]


def write_samples(
    people: pd.DataFrame,
    root: Path,
    size: int,
    path: Path,
    failures: float,
    depth: Path | None = None,
    shuffled: bool = False,
    padding: float = HEAD_PADDING,
) -> None:
    """Decode and resize every image once; how large the cache will be is said before.

    People whose image, or its depth, cannot be read, or is of another size than the manifest says, get black
    pictures and a problem.

    Args:
        people: the manifest's people, by ``sample_id``.
        root: folder that ``image`` is relative to.
        size: side of the model's input in pixels; scenes are kept at it, head crops a margin larger.
        path: HDF5 file: ``scene`` (M, 3, size, size) and ``head`` (N, 3, C, C) uint8, ``scene_index``,
            ``sample_id``, ``head_box`` (N, 4) in 0..1 and ``problem`` (N,) text, empty where there is none;
            of people in films also ``track`` and ``frame``, see :class:`gcdr.data.along_tracks.Tracks`;
            with ``depth`` also ``depth`` (M, size, size) float32, see
            :func:`gcdr.data.depth_maps.resized_depth`.
        failures: share of the people, 0 to 1, whose image may be absent, unreadable or of another size.
        depth: folder of depth maps, see :mod:`gcdr.data.depth_maps`; None keeps none.
        shuffled: each image gets the depth of another one, half the data set away, to see what depth is good
            for.
        padding: by how much of its size models that learn from it grow a head box on each side.

    Raises:
        InputError: these are more, or the disk has no room for the cache.
    """
    if depth is not None:
        check_depth_names(people["image"].unique())
    if shuffled and people["image"].nunique() < 2:
        raise InputError(
            f"{depth}: found one picture, expected several, whose depth can be shuffled"
        )
    region = grow(people[["head_x0", "head_y0", "head_x1", "head_y1"]].to_numpy(), HEAD_MARGIN)
    sizes = people[["width", "height"]].to_numpy(int)
    failed, look = Failures("without a picture", len(people), failures), DepthLook()
    head_size = head_pixels(size)
    with new_samples(people, size, path, depth is not None, shuffled, padding) as (
        arrays,
        problem,
        names,
        scene_index,
    ):
        scene, head = arrays["scene"], arrays["head"]
        rows = pd.Series(np.arange(len(people))).groupby(scene_index).indices
        for index, name in enumerate(tqdm(names, "resizing", unit="image", mininterval=5)):
            of_manifest = tuple(sizes[rows[index][0]].tolist())
            deep = Image.new("F", (1, 1))
            try:
                image = open_image(root / name, of_manifest)
                if depth is not None:
                    other = (index + shuffled * (len(names) // 2)) % len(names)
                    deep_size = tuple(sizes[rows[other][0]].tolist())
                    deep = open_depth(
                        depth_file(depth, names[other]), deep_size, root / names[other]
                    )
            except InputError as error:
                problem[rows[index]] = str(error)
                failed.add(people["sample_id"].iloc[rows[index]], str(error))
                image = Image.new("RGB", (1, 1))  # black, and so is all around it
            scene[index] = scene_of(image, size)
            if depth is not None:
                values = resized_depth(deep, size)
                arrays["depth"][index] = values
                if deep.size != (1, 1):
                    look.take(values)
            for row in rows[index]:
                head[row] = head_of(image, region[row], head_size)
    for line in look.lines():
        print(line)


def new_samples(
    people: pd.DataFrame,
    size: int,
    path: Path,
    depth: bool = False,
    shuffled: bool = False,
    padding: float = HEAD_PADDING,
) -> AbstractContextManager[NewCache]:
    """A picture cache in which all but ``scene``, ``head`` and ``depth`` is written: :func:`new_cache`."""
    head = head_pixels(size)
    of_images: dict[str, tuple[tuple[int, ...], Any]] = {"scene": ((3, size, size), np.uint8)}
    of_people = {"head": ((3, head, head), np.uint8)}
    if depth:
        of_images["depth"] = ((size, size), np.float32)
    kind = DEEP if depth else PICTURES
    made_by: dict[str, Any] = {"size": size, **({"depth": "shuffled"} if shuffled else {})}
    made_by |= {} if padding == HEAD_PADDING else {"head_padding": padding}
    return new_cache(people, kind, of_images, of_people, path, made_by)


@contextmanager
def new_cache(
    people: pd.DataFrame,
    kind: str,
    of_images: Arrays,
    of_people: Arrays,
    path: Path,
    made_by: Mapping[str, Any] | None = None,
) -> Iterator[NewCache]:
    """A cache in which all but its arrays is written; how large it will be is said before.

    Args:
        people: the manifest's people, by ``sample_id``.
        kind: what the file says that it is.
        of_images: shape and type of what is kept of every image, by name.
        of_people: the same of every person.
        path: the HDF5 file.
        made_by: what made it, ready for ``json.dumps``.

    Yields:
        the arrays, to be filled; the people's ``problem`` (N,), likewise; the images' names
        (M,) and ``scene_index`` (N,).

    Raises:
        InputError: the disk has no room.
    """
    names, scene_index = np.unique(people["image"].to_numpy(), return_inverse=True)
    rows = [(name, len(names), held) for name, held in of_images.items()]
    rows += [(name, len(people), held) for name, held in of_people.items()]
    state_size(path, sum(n * math.prod(s) * np.dtype(t).itemsize for _, n, (s, t) in rows))
    digest, large = people_digest(people), tuple(name for name, _, _ in rows)
    with new_hdf5(path, kind, VERSION, digest, made_by or {}, large=large) as file:
        arrays = {
            name: CheckedRows(file, name, (count, *shape), dtype)
            for name, count, (shape, dtype) in rows
        }
        problem = np.full(len(people), "", object)
        yield arrays, problem, names, scene_index
        write_people(file, people, scene_index, problem)
        for array in arrays.values():
            array.seal()


@dataclass(frozen=True)
class Pictures:
    """Unaugmented, unnormalised pictures of people; an image may be held once for several of them.

    Attributes:
        images: (M, 3, S, S) float32 in 0..1; uint8 as stored.
        image_of: (N,) int64, which image a person is in.
        heads: (N, 3, C, C) of the same type, head boxes with their margin.
        head_box: (N, 4) float32 in 0..1 of the image.
        depth: (M, S, S) float32, 1 nearest, of each image as it is; None where it is not known.
    """

    images: Tensor
    image_of: Tensor
    heads: Tensor
    head_box: Tensor
    depth: Tensor | None = None

    def in_floats(self) -> "Pictures":
        """Stored pictures in 0..1."""
        images, heads = (picture.float().div_(255) for picture in (self.images, self.heads))
        return replace(self, images=images, heads=heads)


@dataclass(frozen=True, kw_only=True)
class Cached:
    """Whom a cache is of.

    Attributes:
        sample_id: (N,) int64, ascending.
        head_box: (N, 4) float32 in 0..1.
        scene_index: (N,) which image a person is in.
        problem: (N,) text: why a person's picture could not be read, and is black here; else empty.
        people: digest of the people.
        path: the file.
        tracks: whose row of a film each is; None where nobody is in a film.
        head_padding: by how much of its size models that learn from it grow a head box on each side.
    """

    sample_id: np.ndarray
    head_box: np.ndarray
    scene_index: np.ndarray
    problem: np.ndarray
    people: str
    path: Path
    tracks: Tracks | None = None
    head_padding: float = HEAD_PADDING

    @staticmethod
    def people_of(held: Held, images: int) -> dict[str, Any]:
        """The attributes above from an open file.

        Args:
            held: the file.
            images: how many images it has.

        Raises:
            InputError: they do not fit together.
        """
        columns, count = held.columns, len(held.columns["sample_id"])
        shapes = {"head_box": (count, 4), "scene_index": (count,), "problem": (count,)}
        if followed := "track" in columns:
            shapes |= {"track": (count,), "frame": (count,)}
        for name, shape in shapes.items():
            if name not in columns or columns[name].shape != shape:
                raise InputError(f"{held.path}: expected {name!r} of shape {shape}")
        index = columns["scene_index"]
        if index.dtype.kind not in "iu" or not ((index >= 0) & (index < images)).all():
            raise InputError(f"{held.path}: its people are in images that it does not hold")
        return {
            "sample_id": columns["sample_id"],
            "head_box": columns["head_box"].astype(np.float32),
            "scene_index": index,
            "problem": columns["problem"],
            "people": held.attributes["people"],
            "path": held.path,
            "tracks": Tracks(columns["track"], columns["frame"]) if followed else None,
            "head_padding": held.attributes["made_by"].get("head_padding", HEAD_PADDING),
        }

    def rows(self, sample_id: np.ndarray) -> np.ndarray:
        """Row numbers of people.

        Raises:
            InputError: somebody is not in the cache.
        """
        return places(self.sample_id, sample_id, self.path)

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
                f"{int((~readable).sum())} of {len(problem)} {who} people are left out, as their picture, "
                f"or its depth, cannot be read; first {problem[~readable][0]}"
            )
        return readable


@dataclass(frozen=True, kw_only=True)
class Samples(Cached):
    """The picture cache, mapped into memory.

    Attributes:
        scene: (M, 3, S, S) uint8, mapped; a row is compared with its checksum when it is first read.
        head: (N, 3, C, C) uint8, mapped likewise: head box with ``HEAD_MARGIN``.
        depth: (M, S, S) float32, mapped likewise; None of a cache without.
    """

    scene: MappedRows
    head: MappedRows
    depth: MappedRows | None = None

    @classmethod
    def open(cls, path: str | Path, people: str | None = None) -> "Samples":
        """Map a cache.

        Args:
            path: the file.
            people: digest of the people that it must be of; None where the caller compares ``people``.

        Raises:
            InputError: the file is absent, not such a cache, damaged, or of other people.
        """
        deep = kind_of_hdf5(path) == DEEP
        large = ("scene", "head", "depth") if deep else ("scene", "head")
        with open_hdf5(path, DEEP if deep else PICTURES, VERSION, large, people) as held:
            scene, head = (MappedRows(held, name, np.uint8, 4) for name in ("scene", "head"))
            depth = MappedRows(held, "depth", np.float32, 3) if deep else None
            if len(head) != len(held.columns["sample_id"]):
                raise InputError(f"{path}: holds {len(head)} heads of its people")
            if depth is not None and depth.shape != (len(scene), *scene.shape[2:]):
                raise InputError(f"{path}: its pictures and their depth do not fit together")
            return cls(scene=scene, head=head, depth=depth, **cls.people_of(held, len(scene)))

    @property
    def size(self) -> int:
        """Side of the scene in pixels."""
        return self.scene.shape[-1]

    def stored(self, rows: np.ndarray, *, each: bool = False) -> Pictures:
        """Pictures of people as they are stored, on the CPU.

        Args:
            rows: (n,) their rows.
            each: give everybody an image of their own, as views of their own need; else an image is
                held once.
        """
        index = self.scene_index[rows]
        shown, image_of = (index, np.arange(len(rows))) if each else first_seen(index)
        arrays = [self.scene[shown], image_of, self.head[rows], self.head_box[rows]]
        arrays += [] if self.depth is None else [self.depth[shown]]
        return Pictures(*(torch.from_numpy(array) for array in arrays))


def first_seen(index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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

    Head boxes are grown as in these, and as in pictures where they differ.

    Args:
        people: the manifest's people, by ``sample_id``.
        sources: caches of the same size; for each the rows (n,) of ``people`` that it gives and their
            ``sample_id`` (n,) in it. People of one image come from one cache.
        size: side of the scenes.
        path: the cache, as :func:`write_samples` writes it.

    Raises:
        InputError: a cache is absent or none, or the disk has no room.
    """
    caches = [(Samples.open(source), at, ids) for source, at, ids in sources]
    deep = any(cache.depth is not None for cache, _, _ in caches)
    grown = {cache.head_padding for cache, _, _ in caches}
    padding = grown.pop() if len(grown) == 1 else HEAD_PADDING
    with new_samples(people, size, path, deep, padding=padding) as (
        arrays,
        problem,
        _,
        scene_index,
    ):
        scene, head = arrays["scene"], arrays["head"]
        for cache, at, ids in caches:
            rows = cache.rows(ids)
            problem[at] = cache.problem[rows]
            for place, row in zip(at, rows, strict=True):
                head[place] = cache.head[row]
            indices, first = np.unique(scene_index[at], return_index=True)
            for index, row in zip(indices, rows[first], strict=True):
                scene[index] = cache.scene[cache.scene_index[row]]
                if cache.depth is not None:
                    arrays["depth"][index] = cache.depth[cache.scene_index[row]]
