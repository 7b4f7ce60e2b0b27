"""Whom a cache of pictures or tokens is of: what stands beside its large arrays."""

import numpy as np
import pandas as pd

from gcdr.data.along_tracks import tracks_of
from gcdr.data.hdf5 import HDF5_TEXT
from gcdr.data.manifest import boxes
from gcdr.data.sink import NewFile


def write_people(
    file: NewFile, people: pd.DataFrame, scene_index: np.ndarray, problem: np.ndarray
) -> None:
    """Write whom a cache is of, see :class:`gcdr.data.cache.Cached`.

    Args:
        file: the file.
        people: the manifest's people, by ``sample_id``.
        scene_index: (N,) which image a person is in.
        problem: (N,) text.
    """
    file["scene_index"], file["head_box"] = scene_index, boxes(people)
    file["sample_id"] = people["sample_id"].to_numpy()
    if (tracks := tracks_of(people)) is not None:
        file["track"], file["frame"] = tracks.track, tracks.frame
    file.create_dataset("problem", data=problem, dtype=HDF5_TEXT)
