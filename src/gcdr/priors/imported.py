"""The paper authors' precomputed Grad-CAM maps, from their pickles into a prior store.

A pickle of GazeFollow maps image names (without folders) to the person's ``eye_x`` to an answer and one map a
decoder layer; of VideoAttentionTarget there is one a track, from its frames to such entries.
``eye_x`` is the normalised eye position of the annotation files of GazeFollow, which therefore say whose map
it is; of these files only image, ``eye_x`` and head box are read, never a label.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.unpickling import read_pickle
from gcdr.data.manifest import BOX, people_digest, read_people
from gcdr.data.stores import write_prior
from gcdr.data.varied import check_varied

LAYER = re.compile(r"(\d+)(?:st|nd|rd|th)_layer")
# Columns of train and test files, the extended ones included; counted from 0.
COLUMNS = {0: "image", 6: "eye_x", 10: BOX[0], 11: BOX[1], 12: BOX[2], 13: BOX[3]}
NEAR = 1e-6
DEPTH = 12  # decoder layers of OFA-large, which made them


def import_gradcams(
    manifest: Path,
    pickles: Sequence[Path],
    annotations: Sequence[Path],
    layers: Sequence[int],
    out: Path,
) -> None:
    """Write a prior store from the authors' pickles; who has no entry in them is marked invalid.

    Args:
        manifest: people whose images are named as in the annotation files.
        pickles: ``gradcams_*_person*.pkl``; later ones go before earlier ones.
        annotations: GazeFollow text files with the people of the pickles.
        layers: decoder layers to store, counted from 1 (the files hold 10, 11 and 12).
        out: the store.

    Raises:
        InputError: a file is absent or not what it should be, a layer is missing, maps differ in size,
            or no person has an entry.
    """
    people = read_people(manifest)
    eyes = _eye_positions(people, pd.concat([_read_annotations(path) for path in annotations]))
    entries: dict[str, dict[float, Any]] = {}
    for path in pickles:
        for image, persons in _entries(read_pickle(path), path).items():
            placed = {eye: (f"{path}, {image!r} at {eye}", entry) for eye, entry in persons.items()}
            entries.setdefault(image, {}).update(placed)
    found = [
        _nearest(entries.get(Path(image).name, {}), eye)
        for image, eye in zip(people["image"], eyes, strict=True)
    ]
    such = f"images such as {next(iter(entries), 'none')!r}"
    write_entries(people, found, f"{pickles[0]}", such, layers, out, [one.name for one in pickles])


def import_track_gradcams(
    manifest: Path, folders: Sequence[Path], layers: Sequence[int], out: Path
) -> None:
    """Write a prior store from the authors' pickles of tracks; who has no entry is marked invalid.

    Args:
        manifest: people of films, whose ``sequence`` is ``SHOW/CLIP`` and whose ``track`` is the file's name.
        folders: with files ``SHOW/CLIP/TRACK.pkl``, each from names of frames, without ending, to entries; a
            later one goes before earlier ones.
        layers, out: as for :func:`import_gradcams`.

    Raises:
        InputError: nobody is in a track, or as for :func:`import_gradcams`.
    """
    people = read_people(manifest)
    if "track" not in people or "sequence" not in people:
        raise InputError(f"{manifest}: nobody is in a track; expected people of films")
    found: list[tuple[str, Any] | None] = [None] * len(people)
    stems = people["image"].map(lambda image: Path(image).stem)
    tracks = people.assign(place=np.arange(len(people))).groupby(["sequence", "track"])["place"]
    for (sequence, track), places in tracks:
        files = [folder / sequence / f"{track}.pkl" for folder in reversed(folders)]
        path = next((file for file in files if file.is_file()), None)
        if path is None:
            continue
        frames = read_pickle(path)
        if not isinstance(frames, dict) or not all(
            isinstance(one, dict) for one in frames.values()
        ):
            raise InputError(f"{path}: expected a dictionary from frames to answer and maps")
        for place in places:
            if (entry := frames.get(stems.iloc[place])) is not None:
                found[place] = f"{path}, frame {stems.iloc[place]!r}", entry
    such = f"files such as {people['sequence'].iloc[0]}/{people['track'].iloc[0]}.pkl"
    names = [folder.name for folder in folders]
    write_entries(people, found, f"{folders[0]}", such, layers, out, names)


def write_entries(
    people: pd.DataFrame,
    found: Sequence[tuple[str, Any] | None],
    where: str,
    such: str,
    layers: Sequence[int],
    out: Path,
    imported: Sequence[str],
) -> None:
    """The prior store of people's entries, each with its place for messages; None where there is none.

    Raises:
        InputError: nobody has an entry (``where`` was looked for ``such``), a layer is missing, maps
            differ in size, or all are the same.
    """
    known = np.array([entry is not None for entry in found])
    if not known.any():
        raise InputError(f"{where}: none of the {len(people)} people has an entry; expected {such}")
    print(f"{int(known.sum())} of {len(people)} people have an entry", file=sys.stderr)
    maps = _maps(found, layers)
    valid = known & np.isfinite(maps).all((1, 2, 3))
    of_known = maps[valid]
    check_varied(bool((of_known == of_known[:1]).all()), people[valid], Path(where))
    write_prior(
        out,
        people["sample_id"].to_numpy(),
        maps,
        valid,
        {
            "answer": np.array(
                [str(one[1].get("answer", "")) if one else "" for one in found], object
            ),
            "noun": np.array([""] * len(found), object),
            "token_index": np.full(len(found), -1),
        },
        layers=layers,
        people=people_digest(people),
        made_by={
            "imported": list(imported),
            "layers": list(layers),
            "overlay": "body",
            "depth": DEPTH,
        },
    )


def _read_annotations(path: Path) -> pd.DataFrame:
    """Image, ``eye_x`` and head box of every person of a GazeFollow text file, each person once."""
    try:
        rows = pd.read_csv(
            path,
            header=None,
            usecols=list(COLUMNS),
            encoding="utf-8-sig",
            dtype={0: str, **dict.fromkeys(list(COLUMNS)[1:], float)},
        )
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except ValueError as error:  # pandas' parser errors and UnicodeDecodeError are of this kind
        raise InputError(
            f"{path}: not a GazeFollow annotation file ({error}); expected comma-separated rows "
            "without a header: path, ..., eye_x (7th), ..., head box (11th to 14th)"
        ) from error
    return rows.rename(columns=COLUMNS).drop_duplicates(["image", "eye_x"])


def _eye_positions(people: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """(N,) ``eye_x`` of people, by image and head box; NaN where no row fits."""
    key = ["image", *BOX, "turn"]

    def keyed(table: pd.DataFrame) -> pd.DataFrame:
        # As readers do: exchanged corners in order. As the pickles do: images without folders.
        corners = np.sort(table[BOX].to_numpy(float).reshape(-1, 2, 2), axis=1).reshape(-1, 4)
        names = table["image"].str.rsplit("/", n=1).str[-1]
        table = pd.DataFrame(corners.round(2), columns=BOX).assign(image=names.to_numpy())
        return table.assign(turn=table.groupby(["image", *BOX]).cumcount())

    rows = keyed(rows).assign(eye_x=rows["eye_x"].to_numpy()).drop_duplicates(key)
    return keyed(people).merge(rows, how="left", on=key)["eye_x"].to_numpy()


def _entries(content: Any, path: Path) -> Mapping[str, Mapping[float, Any]]:
    if not isinstance(content, dict) or not all(
        isinstance(persons, dict) and all(isinstance(entry, dict) for entry in persons.values())
        for persons in content.values()
    ):
        raise InputError(
            f"{path}: expected a dictionary from image names to eye_x to answer and maps"
        )
    return content


def _nearest(persons: Mapping[float, Any], eye: float) -> Any:
    """The entry at ``eye``, up to what reading a number as text may change."""
    if eye in persons:
        return persons[eye]
    near = [key for key in persons if isinstance(key, float) and abs(key - eye) <= NEAR]
    return persons[near[0]] if near else None


def _maps(found: Sequence[tuple[str, Any] | None], layers: Sequence[int]) -> np.ndarray:
    """(N, L, G, G) float32 of entries, each with its place for messages; zeros where there is none."""
    maps: np.ndarray | None = None
    for row, one in enumerate(found):
        if one is None:
            continue
        where, entry = one
        # The files count layers from 0.
        held = {int(match[1]) + 1: key for key in entry if (match := LAYER.fullmatch(str(key)))}
        for place, layer in enumerate(layers):
            if layer not in held:
                raise InputError(
                    f"{where}: no map of decoder layer {layer}; there are {sorted(held)}, from 1"
                )
            heatmap = _square(entry[held[layer]], where)
            if maps is None:
                maps = np.zeros((len(found), len(layers), *heatmap.shape), np.float32)
            if heatmap.shape != maps.shape[2:]:
                raise InputError(
                    f"{where}: found a map of shape {heatmap.shape}, expected {maps.shape[2:]}"
                )
            maps[row, place] = heatmap
    return maps


def _square(value: Any, where: str) -> np.ndarray:
    """A map (G, G) float32.

    Raises:
        InputError: it is none.
    """
    try:
        heatmap = np.asarray(value, np.float32)
    except (TypeError, ValueError):
        raise InputError(
            f"{where}: found a {type(value).__name__}, expected a map of numbers"
        ) from None
    if heatmap.ndim != 2 or not heatmap.size:
        raise InputError(
            f"{where}: found a map of shape {heatmap.shape}, expected rows and columns"
        )
    return heatmap
