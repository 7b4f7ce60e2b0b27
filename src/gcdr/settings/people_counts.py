"""How many people there are to go through, before and after they are counted. No torch: planning asks.

Jobs ask for memory and time by it, and share people among them.
"""

import math
import mmap
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from gcdr.base.plain import Config
from gcdr.config.pools import members_of
from gcdr.datasets.layout import annotation_files, picture_names
from gcdr.datasets.published import PUBLISHED

ASSUMED = 20_000  # people of a data set that nobody has counted yet
FOUND_A_JOB = 8_000  # people whose bodies one job of a data set's finds, where nothing else is said
IN_A_PICTURE = 2  # people of one's own pictures whose heads are yet to be found
IN_A_FRAME = 3  # people of the demo world's shows, at the most


def people_in(config: Config, dataset: str, results: Path = Path("results")) -> int:
    """How many people a data set has: by its manifest, else as many as it is said to have."""
    if (counted := rows_of(results / "data" / dataset / "manifest.parquet")) is not None:
        return counted
    return people_expected(config, dataset, partial(people_in, config, results=results))


def people_expected(
    config: Config, dataset: str, member: Callable[[str], int] | None = None
) -> int:
    """How many people a data set is said to have, whether it was read or not: by its entry, table or authors.

    Args:
        config: the configuration.
        dataset: its name.
        member: what counts a data set of a pool; None: this.
    """
    source = config["datasets"][dataset]
    if source["kind"] == "pool":
        count = member or partial(people_expected, config)
        return sum(count(name) for name in members_of(source))
    if "train_people" in source:
        return int(source["train_people"] + source["test_people"])
    if "clips" in source:
        return int((source["clips"] + source["test_clips"]) * source["frames"] * IN_A_FRAME)
    table = source.get("table" if source["kind"] == "folder" else "annotations")
    if table is not None and (lines := lines_of(Path(table))) is not None:
        return max(1, lines - 1)
    if source["kind"] == "folder" and (pictures := pictures_in(Path(source["images"]))):
        return IN_A_PICTURE * pictures
    if source["kind"] == "gazelle" or source.get("shows"):  # a file's entries, a track's rows
        files = annotation_files(source) if Path(source["root"]).is_dir() else []
        entries = mentions_of if source["kind"] == "gazelle" else lines_of
        if found := sum(entries(file) or 0 for file in files):
            return found
    published = PUBLISHED.get(source["kind"], {})
    parts = published.get("train people", 0) + published.get("test people", 0)
    return published.get("people", parts) or ASSUMED


def detection_jobs(config: Config, dataset: str) -> int:
    """How many jobs share the pictures of a data set in which bodies are found."""
    return config["detect"]["shards"] or math.ceil(people_expected(config, dataset) / FOUND_A_JOB)


@cache
def pictures_in(folder: Path) -> int:
    """Pictures below a folder; 0 where there is none."""
    return len(picture_names(folder)) if folder.is_dir() else 0


@cache
def mentions_of(file: Path, key: bytes = b'"bbox"') -> int | None:
    """How often a key stands in a JSON file; None of what cannot be read."""
    try:
        with (
            file.open("rb") as opened,
            mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as text,
        ):
            return len(re.findall(re.escape(key), text))
    except (OSError, ValueError):  # an empty file cannot be mapped
        return None


@cache
def lines_of(table: Path) -> int | None:
    """Lines of a text file; None of what cannot be read."""
    try:
        with table.open("rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return None


@cache
def rows_of(table: Path) -> int | None:
    """Rows of a Parquet file by its last bytes; None of what is not there or cannot be read."""
    try:
        return int(parquet.read_metadata(table).num_rows)
    except (OSError, pa.ArrowException):
        return None


def people_of_job(config: Config, wildcards: Mapping[str, str]) -> float:
    """How many people a job goes through: of its shard, data set or study, or of all studies of a report.

    Args:
        config: the configuration.
        wildcards: of the job.
    """
    if dataset := wildcards.get("dataset"):
        return people_in(config, dataset) / int(wildcards.get("shards", 1))
    study = wildcards.get("study")
    studies = [study] if study else config["report"]["studies"]
    return sum(people_in(config, config["studies"][name]["dataset"]) for name in studies)
