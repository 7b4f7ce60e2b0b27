"""Pictures of labelled people, larger than the picture cache holds them: random crops are cut from these.

A crop that is enlarged from the cache's scene is blurred, and labelled people alone are cropped: they would
learn from other pictures than anybody is predicted in. Labelled people are few, so their pictures are kept
decoded, as large as their crops need, in one HDF5 file that training maps into memory.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from gcdr.base.errors import InputError
from gcdr.base.files import state_size
from gcdr.data.checksums import check_rows, checksum_of, row_checksums
from gcdr.data.crops import HEAD_PADDING, cut, grow
from gcdr.data.hdf5 import new_hdf5, open_hdf5
from gcdr.data.lookup import places
from gcdr.data.manifest import boxes, people_digest
from gcdr.data.picture_rows import map_array
from gcdr.data.pictures import open_image
from gcdr.data.split import LABELLED, targets

KIND_OF_FILE, VERSION, PIXELS = "gcdr larger pictures", 2, "pixels"
SPARE = (
    2  # pixels kept for one of the model's in the smallest crop: resizing twice then hurts no more
)


def write_originals(
    people: pd.DataFrame, labels: pd.DataFrame, root: Path, size: int, path: Path
) -> None:
    """Decode the pictures of the labelled people who look into the frame; how large the file will be is
    said before.

    A picture is kept as it is, or smaller where even the smallest crop of it, head and gaze point, has more
    than ``SPARE`` times the pixels of the model's input. One that cannot be read is left out with a line in
    the log: the picture cache keeps its people from training, and decides whether there are too many.

    Args:
        people: the manifest's people, by ``sample_id``.
        labels: what the split shows.
        root: folder that ``image`` is relative to.
        size: side of the model's input in pixels.
        path: HDF5 file: ``pixels`` uint8, the pictures' rows of RGB one after the other; ``offset`` (K,)
            and ``shape`` (K, 2) of each, height and width, zeros where it could not be read; ``image_of``
            and ``sample_id`` (N,), and the attribute ``people``.

    Raises:
        InputError: no picture can be read, or the disk has no room for the file.
    """
    ids, gaze = targets(labels, LABELLED)
    chosen = people.iloc[places(people["sample_id"].to_numpy(), ids, "the manifest")]
    names, first, image_of = np.unique(
        chosen["image"].to_numpy(), return_index=True, return_inverse=True
    )
    sizes = chosen[["width", "height"]].to_numpy(int)
    whole = sizes[first]
    shape = _stored_sizes(whole, image_of, _smallest_crops(boxes(chosen), gaze) * sizes, size)[
        :, ::-1
    ]
    count = 3 * shape.prod(1)
    offset = np.cumsum(count) - count
    state_size(path, int(count.sum()))
    digest, sums = people_digest(people), np.zeros(len(names), np.uint32)
    with new_hdf5(path, KIND_OF_FILE, VERSION, digest, {"size": size}, large=(PIXELS,)) as file:
        pixels = file.create_dataset(PIXELS, (int(count.sum()),), np.uint8)
        for index, name in enumerate(tqdm(names, "keeping", unit="image", mininterval=5)):
            try:
                image = open_image(root / name, tuple(whole[index].tolist()))
            except InputError as error:
                tqdm.write(f"left out: {error}")
                shape[index] = 0
                continue
            shrunk = image.resize(shape[index, ::-1].tolist(), Image.Resampling.BILINEAR)
            numbers = np.asarray(shrunk).reshape(1, -1)
            pixels[offset[index] : offset[index] + count[index]] = numbers[0]
            sums[index] = row_checksums(numbers)[0]
            file.check()
        if not shape.any():
            raise InputError(
                f"{root}: no picture of a labelled person can be read; expected at least one"
            )
        file["offset"], file["shape"], file["image_of"] = offset, shape, image_of
        file["sample_id"], file[checksum_of(PIXELS)] = ids, sums


def _smallest_crops(head_box: np.ndarray, gaze: np.ndarray) -> np.ndarray:
    """(N, 2) width and height in 0..1 of the smallest crop of each person: padded head and gaze point."""
    head = grow(head_box, HEAD_PADDING)
    low = np.minimum(head[:, :2], gaze).clip(0, 1)
    return np.maximum(head[:, 2:], gaze).clip(0, 1) - low


def _stored_sizes(
    whole: np.ndarray, image_of: np.ndarray, crop: np.ndarray, size: int
) -> np.ndarray:
    """(K, 2) width and height at which pictures are kept, from their own (K, 2) and people's crops (N, 2)."""
    smallest = np.full(whole.shape, np.inf)
    np.minimum.at(smallest, image_of, crop)
    share = np.minimum(1, SPARE * size / np.maximum(smallest, 1))
    return np.ceil(whole * share).astype(int)


@dataclass(frozen=True)
class Originals:
    """Larger pictures of the labelled people, mapped into memory.

    Attributes:
        sample_id: (N,) int64, ascending.
        image_of: (N,) which picture a person is in.
        offset: (K,) where a picture begins.
        shape: (K, 2) its height and width; zeros where it could not be read.
        pixels: uint8, mapped.
        sums: (K,) uint32 checksums of the pictures, each compared when it is first read.
        seen: (K,) bool, whether that was done.
        people: digest of the people.
        path: the file.
    """

    sample_id: np.ndarray
    image_of: np.ndarray
    offset: np.ndarray
    shape: np.ndarray
    pixels: np.ndarray
    sums: np.ndarray
    seen: np.ndarray
    people: str
    path: Path

    @classmethod
    def open(cls, path: str | Path, people: str | None = None) -> "Originals":
        """Map such a file.

        Args:
            path: the file.
            people: digest of the people that it must be of; None where the caller compares ``people``.

        Raises:
            InputError: the file is absent, none of these, damaged, or of other people.
        """
        with open_hdf5(path, KIND_OF_FILE, VERSION, (PIXELS,), people) as held:
            pixels, columns = map_array(held, PIXELS, np.uint8, 1), held.columns
            names = ("sample_id", "image_of", "offset", "shape")
            if lacking := [name for name in names if name not in columns]:
                raise InputError(f"{path}: found no array {lacking[0]!r}")
            ids, image_of, offset, shape = (columns[name] for name in names)
            sums = held.sums(PIXELS, len(shape))
            whole = all(column.dtype.kind in "iu" for column in (image_of, offset, shape))
            fit = (
                whole
                and image_of.shape == ids.shape
                and shape.shape == (len(offset), 2)
                and bool(((image_of >= 0) & (image_of < len(shape))).all())
                and bool((offset >= 0).all() and (shape >= 0).all())
                and bool((offset + 3 * shape.prod(1) <= len(pixels)).all())
            )
            if not fit:
                raise InputError(f"{path}: its people and pictures do not fit together")
            seen, digest = np.zeros(len(sums), bool), held.attributes["people"]
            return cls(ids, image_of, offset, shape, pixels, sums, seen, digest, held.path)

    def _check(self, row: int) -> None:
        """Compare a whole picture with its checksum, once."""
        if not self.seen[row]:
            start, count = self.offset[row], 3 * self.shape[row].prod()
            whole = self.pixels[None, start : start + count]
            check_rows(self.path, PIXELS, whole, self.sums[[row]], np.array([row]))
            self.seen[row] = True

    def crops(self, sample_id: np.ndarray, window: np.ndarray, size: int) -> np.ndarray:
        """Windows of people's pictures, resized as a crop of the original is.

        Args:
            sample_id: (n,) labelled people.
            window: (n, 4) x0, y0, x1, y1 in 0..1 of the image.
            size: side of the result in pixels.

        Returns:
            (n, 3, size, size) uint8.

        Raises:
            InputError: somebody is not among the labelled, or their picture could not be read.
        """
        rows = self.image_of[places(self.sample_id, sample_id, "the labelled people's pictures")]
        crops = np.empty((len(rows), size, size, 3), np.uint8)
        for place, (row, part) in enumerate(
            zip(rows, window.clip(0, 1).astype(float), strict=True)
        ):
            height, width = self.shape[row]
            if not height:
                raise InputError(
                    f"{self.path}: the larger picture of sample_id {sample_id[place]} could not be read, but "
                    "that of the picture cache could; make both again"
                )
            region = part * (width, height, width, height)
            top, bottom = int(region[1]), int(np.ceil(region[3]))
            self._check(row)
            start = self.offset[row] + 3 * width * top  # the rows of the window alone
            lines = self.pixels[start : start + 3 * width * (bottom - top)]
            image = Image.fromarray(np.asarray(lines).reshape(-1, width, 3))
            crops[place] = np.asarray(cut(image, region - (0, top, 0, top), size))
        return crops.transpose(0, 3, 1, 2)
