"""Who the people of a data set are, where that is known before the first job."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gcdr.base.errors import InputError
from gcdr.base.plain import Config
from gcdr.datasets.layout import annotation_files, lacks_heads
from gcdr.world.dataset import DRAWN, ShowSettings, WorldSettings

if TYPE_CHECKING:
    import pandas as pd

DATA = Path("results/data")
"""Where data sets are made, as in workflow/rules/common.smk."""

MOST_DRAWN = 5000  # people or frames, some ten seconds


def people_before_jobs(
    datasets: Config,
    prior: str,
    name: str,
    file: Path,
    *,
    read: "Callable[[str], pd.DataFrame | None] | None" = None,
) -> "pd.DataFrame | None":
    """The people of a data set that a prior is to be about.

    They are known from a manifest that is newer than the files it was read from. Where no job has read these
    yet, ``read`` does as it would, headers of pictures and all: a first plan takes that much longer, and no
    job finds later what could be known before. Those of a drawn world are known from what it is drawn by,
    where it is not so large that this takes longer than planning may. Those of films, and of images whose
    heads a job finds, are not.

    Args:
        datasets: the section of the configuration.
        prior: name of the prior. Where its store is made already, of these people and this file, nobody needs
            to look again.
        name: of the data set.
        file: what the store is made from.
        read: the people of a data set that no job has read, a JSON of its section, see
            :func:`read_as_its_job`; None: nobody reads them now.

    Returns:
        see :func:`gcdr.data.manifest.read_people`, without sizes where they are drawn; or None, also where
        something is wrong with the data set, which its own job says.
    """
    source = datasets.get(name, {})
    made = DATA / name / "manifest.parquet"
    if source.get("kind") in DRAWN:
        return None if _is_made(name, prior, made, file) else _drawn(source)
    if source.get("kind") in (None, "pool", "video") or lacks_heads(source):
        return None
    if is_unread(datasets, name):
        if read is None:
            return None
        print(f"datasets.{name}: its people are read, of whom priors.{prior} is", file=sys.stderr)
        return read(json.dumps(source))
    if not made.is_file() or _is_made(name, prior, made, file):
        return None
    from gcdr.data.manifest import read_people  # not above: most plans need no table

    return read_people(made)


def is_unread(datasets: Config, name: str) -> bool:
    """Whether files with the people of a data set are there, and newer than what a job has read of them."""
    source = datasets.get(name, {})
    if source.get("kind") in (None, "pool", "video", *DRAWN) or lacks_heads(source):
        return False
    files, made = annotation_files(source), DATA / name / "manifest.parquet"
    if not files or not all(file.is_file() for file in files):
        return False
    return not made.is_file() or _time(made) < max(map(_time, files))


def read_as_its_job(failures: float, source: str) -> "pd.DataFrame | None":
    """The people of a data set, as the job that reads it will find them.

    Args:
        failures: part of its people that may be lost with their pictures, 0 to 1.
        source: a JSON of its section of the configuration.

    Returns:
        see :func:`gcdr.data.manifest.read_people`; None where something is wrong with it.
    """
    from gcdr.data.manifest import people_alone  # as above
    from gcdr.datasets.check import allow_unreadable
    from gcdr.datasets.read import read_dataset

    try:
        found = read_dataset(json.loads(source))
    except (InputError, OSError):  # its own job says what
        return None
    allow_unreadable(found, failures)
    return None if found.problems.errors else people_alone(found.manifest)


def _is_made(name: str, prior: str, made: Path, file: Path) -> bool:
    """Whether a data set's store is newer than its people and the file that it is made from."""
    store = DATA / name / "priors" / f"{prior}.h5"
    if not (store.is_file() and made.is_file()):
        return False
    return _time(store) >= max(_time(made), _time(file))


def _drawn(source: Config) -> "pd.DataFrame | None":
    about = {key: value for key, value in source.items() if key != "kind"}
    if source["kind"] == "world":
        drawn: WorldSettings | ShowSettings = WorldSettings.from_json(about)
        count = drawn.train_people + drawn.test_people
    else:
        drawn = ShowSettings.from_json(about)
        count = (drawn.clips + drawn.test_clips) * drawn.frames
    if count > MOST_DRAWN:
        return None
    from gcdr.datasets.world import people_of_drawn

    return people_of_drawn(drawn)


def _time(path: Path) -> float:
    return path.stat().st_mtime
