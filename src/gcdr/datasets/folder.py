"""A folder of one's own images and a CSV of head boxes."""

from pathlib import Path

import pandas as pd

from gcdr.errors import InputError
from gcdr.manifest import BOX, build_manifest
from gcdr.samples import open_image

COLUMNS = ["image", *BOX]


def read_folder(folder: Path, table: Path, split: str = "test") -> pd.DataFrame:
    """Read a folder of images with head boxes into a manifest; every image is opened once.

    Args:
        folder: the images; ``image`` in the CSV is relative to it.
        table: CSV with the columns ``image,head_x0,head_y0,head_x1,head_y1`` in pixels.
        split: the split all people belong to.

    Raises:
        InputError: the folder or CSV is absent or empty, a column or an image is missing, a path
            leaves the folder, a number or a box is bad.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of images")
    if not any(path.is_file() for path in folder.rglob("*")):
        raise InputError(f"{folder}: the folder holds no image")
    try:
        rows = pd.read_csv(table, dtype=str, skipinitialspace=True)
    except FileNotFoundError as error:
        raise InputError(f"{table}: no such CSV of head boxes") from error
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(
            f"{table}: not a CSV table ({error}); expected {','.join(COLUMNS)}"
        ) from error
    missing = [name for name in COLUMNS if name not in rows]
    if missing:
        raise InputError(f"{table}: column {missing[0]!r} is missing; found {list(rows.columns)}")
    for name in BOX:
        numbers = pd.to_numeric(rows[name], errors="coerce")
        bad = numbers.isna()
        if bad.any():
            first = int(bad.to_numpy().argmax())
            raise InputError(
                f"{table}, row {first + 1}: {name} is {rows[name][first]!r}; expected a number of pixels"
            )
        rows[name] = numbers
    sizes = {}
    for number, name in enumerate(rows["image"]):
        if name not in sizes:
            inside = Path(str(name))
            if inside.is_absolute() or ".." in inside.parts:
                raise InputError(f"{table}, row {number + 1}: image {name!r} leaves {folder}")
            sizes[name] = open_image(folder / inside).size
    rows["width"] = [sizes[name][0] for name in rows["image"]]
    rows["height"] = [sizes[name][1] for name in rows["image"]]
    rows["split"] = split
    return build_manifest(rows, str(table))
