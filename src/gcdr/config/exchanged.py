"""Files that were exchanged for others with an older date: found before the first job.

Snakemake compares content only where a date is newer, so that after such an exchange it would make nothing
again. What was made from a split or a manifest says which one that was (:mod:`gcdr.data.shown`,
:mod:`gcdr.data.parquet`), so the file that is there is compared with what is newer than it, by headers and
attributes alone and also where Snakemake has no record. Of all other results its records tell
(:mod:`gcdr.config.recorded`). What is older Snakemake makes again by itself, and what follows from it. Of the
user's own files :func:`marks` goes into the parameters of the rules that read them.
"""

import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError
from gcdr.base.files import file_mark, read_json, text_digest
from gcdr.base.plain import Config
from gcdr.config.asked import used_studies
from gcdr.config.pools import members_of
from gcdr.config.recorded import exchanged_inputs
from gcdr.data.hdf5 import attributes_of_hdf5
from gcdr.data.parquet import table_about
from gcdr.data.shown import check_split, split_identity

MENDING = {
    "--unlock", "--touch", "-t", "--cleanup-metadata", "--cm", "--lint", "--summary", "-S",
    "--delete-all-output", "--forceall", "-F", "--list-rules", "--list", "-l",
}  # fmt: skip
"""Options of Snakemake that mend a working directory, look at it, or make all again: what is wrong in it
must not stop them."""

OURS = ("results/", "assets/", "src/", "workflow/")  # what rules make, and code
UNDER_SPLIT = (
    *("teachers/*/model.json", "students/*/model.json", "folds/*/model.json"),
    *("timestep/*.json", "metrics/*.json", "pseudo/*.h5", "test/*.h5"),
)
FIRST_OF_SPLIT, FIRST_OF_PEOPLE = "originals.h5", "bodies.parquet"  # all others follow
OF_PEOPLE = ("bodies.parquet", "samples-*.h5", "tokens-*.h5", "priors/*.h5")


def exchanged_files(config: Config, results: Path = Path("results")) -> list[str]:
    """Results of the studies asked for that are not those which newer files were made from.

    Args:
        config: the configuration, with its pools (:func:`gcdr.config.pools.add_pools`).
        results: folder of the results.

    Returns:
        a line each, that names both files and what to do.
    """
    problems, studies = [], used_studies(config)
    of_data: dict[str, list[Path]] = {}
    for study in studies:
        splits = sorted((results / study).glob("labels*-seed*/labels.parquet"))
        problems += [line for split in splits for line in _split_problem(split)]
        dataset = config["studies"][study]["dataset"]
        of_data.setdefault(dataset, []).extend(splits)
        source = config["datasets"][dataset]
        for member in members_of(source) if source["kind"] == "pool" else ():
            of_data.setdefault(member, [])
    for dataset, splits in of_data.items():
        problems += _manifest_problem(results / "data" / dataset, splits)
    folders = [f"results/{study}/" for study in studies]
    folders += [f"results/data/{dataset}/" for dataset in of_data]
    for file, made in exchanged_inputs(folders, results.parent).items():
        if not any(line.startswith(f"{results.parent / file}: ") for line in problems):
            problems.append(_line(results.parent / file, "file", made))
    return problems


def _split_problem(split: Path) -> list[str]:
    """What is wrong with a split beside what was made under it; nothing of files that cannot be read."""

    def fits(artefact: Path, identity: Mapping[str, Any]) -> bool:
        found = _split_of(artefact)
        try:
            check_split(artefact, found, identity, split)
        except InputError:
            return False
        return True

    folder = split.parent
    made = [path for name in UNDER_SPLIT for path in sorted(folder.glob(name))]
    first = folder / FIRST_OF_SPLIT
    return _problem(split, "label split", made, first, lambda: split_identity(split), fits)


def _manifest_problem(folder: Path, splits: Iterable[Path]) -> list[str]:
    """What is wrong with a manifest beside what was made of its people."""

    def fits(artefact: Path, people: str | None) -> bool:
        found = (
            table_about(artefact)["people"]
            if artefact.suffix == ".parquet"
            else attributes_of_hdf5(artefact).get("people")
        )
        return None in (found, people) or found == people

    manifest = folder / "manifest.parquet"
    made = [*splits, *(path for name in OF_PEOPLE for path in sorted(folder.glob(name)))]
    first = folder / FIRST_OF_PEOPLE
    return _problem(manifest, "table of people", made, first, lambda: named_people(manifest), fits)


def named_people(manifest: Path) -> str | None:
    """The digest of its people that a manifest has in its header; None where it was written without."""
    people = table_about(manifest)["people"]
    return None if people is None else str(people)


def _problem(
    file: Path,
    what: str,
    made: Iterable[Path],
    first: Path,
    known: Callable[[], Any],
    fits: Callable[[Path, Any], bool],
) -> list[str]:
    """A line about a file that is another one than newer files were made from; none where it is not.

    Args:
        file: what may have been exchanged.
        what: what it is, for the message.
        made: what was made from it.
        first: what all others follow: is it older than ``file``, Snakemake makes all again.
        known: reads what tells the file from others.
        fits: whether something was made from the file that this tells of.
    """
    date = _date(file)
    if date is None or (_date(first) or date) < date:
        return []
    newer = [path for path in made if (_date(path) or 0) >= date]
    try:
        identity = known() if newer else None
    except InputError:
        return []  # whoever reads it says so
    others = [path for path in newer if not _fits(fits, path, identity)]
    return [_line(file, what, others)] if others else []


def _line(file: Path, what: str, others: Sequence[str | Path]) -> str:
    """What is said of a file that is not the one which others were made from."""
    touch = f"touch {shlex.quote(str(file))}"
    further = f" and {len(others) - 1} further" if len(others) > 1 else ""
    return (
        f"{file}: another {what} than {others[0]}{further} was made from, and older than that, so that "
        f"nothing would be made again; put the old file back, delete what was made from it, or `{touch}` to "
        "make again what follows"
    )


def _fits(fits: Callable[[Path, Any], bool], path: Path, identity: Any) -> bool:
    """The same, and true of what cannot be read: whoever reads it says so."""
    try:
        return fits(path, identity)
    except InputError:
        return True


def _split_of(artefact: Path) -> dict[str, Any] | None:
    """What something says of the split that it was made under; the bare digest is of older files."""
    says = (
        read_json(artefact)
        if artefact.suffix == ".json"
        else attributes_of_hdf5(artefact)["made_by"]
    )
    found = says.get("split") if isinstance(says, dict) else None
    if isinstance(found, str):
        return {"digest": found}
    return found if isinstance(found, dict) else None


def _date(path: Path) -> int | None:
    """Nanoseconds; None of what is no file, or is gone by now."""
    try:
        return path.stat().st_mtime_ns if path.is_file() else None
    except OSError:
        return None


def marks(files: Iterable[str], planned: Collection[str] = ()) -> str:
    """What tells the user's files among some from others at their places, whatever their dates say.

    Args:
        files: inputs of a job, by path.
        planned: files that are to be fetched, and are not looked at: they may come after the plan.

    Returns:
        empty where none is the user's.

    Raises:
        InputError: one cannot be read.
    """
    theirs = [
        file for file in dict.fromkeys(files) if not file.startswith(OURS) and file not in planned
    ]
    return (
        text_digest(*(part for file in theirs for part in (file, file_mark(file))))
        if theirs
        else ""
    )
