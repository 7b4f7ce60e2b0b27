"""What is checked of the places that a configuration names: data sets' files, and where downloads go."""

import os
from collections.abc import Iterable
from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.base.plain import Config
from gcdr.datasets.layout import annotation_files, unknown_shows

OURS = (
    *("workflow", "src", "assets", "configs", "profiles", "tests", "docs", "benchmarks"),
    *("requirements", "envs", "logs", "results", ".snakemake", ".git", ".venv"),
)
"""Folders of the project that a download must not be laid into."""


def place_problems(config: Config, datasets: Iterable[str]) -> list[str]:
    """Folders and files that are not there, or are not for this.

    Args:
        config: a configuration that fits the schema.
        datasets: those that are used.
    """
    problems = []
    for name in dict.fromkeys(datasets):
        source = config["datasets"].get(name, {})
        missing = [
            key
            for key in ("root", "images", "depth")
            if key in source and not Path(source[key]).is_dir()
        ]
        problems += [f"datasets.{name}.{key}: no folder {source[key]}" for key in missing]
        problems += [
            f"datasets.{name}.{key}: no file {source[key]}"
            for key in ("table", "annotations")
            if source.get(key) and not Path(source[key]).is_file()
        ]
        if "root" not in source or missing:
            continue
        if source["kind"] == "video":
            problems += [f"datasets.{name}.root: {line}" for line in _film_problems(source)]
        elif unknown := unknown_shows(source):
            problems += [f"datasets.{name}.{line}" for line in unknown]
        elif not annotation_files(source):
            problems.append(
                f"datasets.{name}.root: found no annotations of the kind {source['kind']} in "
                f"{source['root']}; docs/datasets.md says which files are expected"
            )
    if (part := _part_of_project(Path(config["downloads"]["folder"]))) is not None:
        problems.append(
            f"downloads.folder: found {config['downloads']['folder']!r}, which is for something else "
            f"({part}); expected a folder of its own, such as weights"
        )
    return problems


def _film_problems(source: Config) -> list[str]:
    """What is wrong with a folder of films, as far as names and the headers of files tell."""
    from gcdr.video.extraction import (
        find_films,
        unreadable_films,
    )  # not above: most plans have none

    try:
        return unreadable_films(find_films(Path(source["root"])).values())
    except InputError as error:
        return [str(error)]


def _part_of_project(folder: Path) -> str | None:
    """The part of the working directory that a folder is, or lies in, where it is none for downloads."""
    here = Path.cwd()
    for place, top in ((Path(os.path.abspath(folder)), here), (folder.resolve(), here.resolve())):
        if place == top:
            return "the working directory"
        if place.is_relative_to(top) and (part := place.relative_to(top).parts[0]) in OURS:
            return part
    return None
