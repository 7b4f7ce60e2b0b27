"""The vocabulary that lies beside a data set whose people have names of what they look at."""

from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.base.problems import Problems
from gcdr.data.vocabulary import read_vocabulary
from gcdr.datasets.layout import VOCABULARY


def names_beside(root: Path, problems: Problems) -> tuple[str, ...] | None:
    """The names of ``vocab2id.json`` in a folder.

    Args:
        root: the folder.
        problems: gets what is wrong with the file.

    Returns:
        None where it cannot be used: then nothing can be said of labels, and the file alone is a problem.
    """
    path = root / VOCABULARY
    try:
        return read_vocabulary(path)
    except InputError as error:
        line = str(error).removeprefix(f"{path}: ").removeprefix("found ")
        found, _, expected = line.partition(", expected ")
        expected = expected or "names and their numbers, alphabetical"
        problems.file(path, found, expected, "vocabulary")
        return None
