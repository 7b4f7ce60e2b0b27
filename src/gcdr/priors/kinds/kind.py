"""What all kinds of priors have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from gcdr.base.errors import InputError, one_line
from gcdr.base.jsonconfig import JsonConfig
from gcdr.base.plain import JsonTable

if TYPE_CHECKING:
    import pandas as pd

People = Callable[[str, Path], "pd.DataFrame | None"]
"""The people of a data set that a file is about, as :func:`gcdr.data.manifest.read_people` has them, or None
where nobody knows yet or nobody needs to ask."""


def unknown(_: str, __: Path) -> None:
    """The people where nobody knows them."""


@dataclass(frozen=True, kw_only=True)
class PriorKind(JsonConfig):
    """A prior as the configuration describes it: an entry of ``priors``.

    Attributes:
        KIND: its name in the configuration.
        TITLE: what it is, for the reference page.
        SOURCES: the field with what it is made from, by data set, of a :class:`FilesPrior`; None where a
            model is asked about any.
    """

    KIND: ClassVar[str]
    TITLE: ClassVar[str]
    SOURCES: ClassVar[str | None] = None

    @property
    def used_layer(self) -> int:
        """The layer of its stores whose maps are used, counted from 1."""
        return 1

    @property
    def used_overlay(self) -> str | None:
        """What points at the person; None where nothing is drawn, and a store's name has no overlay."""
        return None

    def names_things(self, dataset: str) -> bool:
        """Whether its stores say of the people of a data set what they look at, beside where."""
        return False

    def made_by(self, overlay: str | None, which: str) -> dict[str, Any]:
        """What a store of it says that made it, as far as the configuration decides that.

        Args:
            overlay: what points at the person; None for kinds without an overlay.
            which: whose maps it holds.
        """
        return {"imported": self.KIND}

    def jobs(self, people: int) -> int:
        """How many jobs share the people of a store, of whom there are so many."""
        return 1

    @property
    def sources(self) -> Mapping[str, Any] | None:
        """What it is made from by data set; None where it can be made for any."""
        return None if self.SOURCES is None else getattr(self, self.SOURCES)

    def files(self, dataset: str) -> Sequence[tuple[str, str]]:
        """The files that it is made from for a data set, each with the key that names it."""
        return [(f"{self.SOURCES}.{dataset}", self.sources[dataset])] if self.sources else []

    def entry(self, dataset: str) -> JsonTable:
        """What a job is told that makes a data set's store: the entry of ``priors``, of that alone."""
        sources = {str(self.SOURCES): {dataset: self.sources[dataset]}} if self.sources else {}
        return {"kind": self.KIND, **replace(self, **sources).to_json()}

    def problems(
        self, datasets: Collection[str], planned: Collection[str], people: People = unknown
    ) -> list[str]:
        """What is missing or wrong of what makes the stores of these data sets, each said with its key.

        Args:
            datasets: names of data sets.
            planned: files that are not there yet but will be.
            people: of a data set, where they are known before the first job.
        """
        if self.sources is None:
            return []
        problems = [
            f"{self.SOURCES}: found {list(self.sources)}, expected data set {name!r} too"
            for name in datasets
            if name not in self.sources
        ]
        for name in datasets:
            if name in self.sources:
                problems += self._of_files(name, people)
        return problems

    def _of_files(self, dataset: str, people: People) -> Iterator[str]:
        for key, path in self.files(dataset):
            if not Path(path).is_file():
                yield f"{key}: {'a folder, expected a file:' if Path(path).is_dir() else 'no file'} {path}"
                continue
            try:
                self.check_file(key, Path(path), partial(people, dataset, Path(path)))
            except InputError as error:
                yield f"{key}: {one_line(error)}"

    def check_file(self, key: str, path: Path, people: Callable[[], Any]) -> None:
        """Check one of its files before any job reads it, as far as that is cheap.

        Args:
            key: the key that names it.
            path: the file, which is there.
            people: whom it should be about; None where nobody knows yet.

        Raises:
            InputError: it is of another kind, or lacks what the job needs.
        """


class FilesPrior(PriorKind, ABC):
    """A prior that is made from files; one that asks a model has a stage of its own."""

    @abstractmethod
    def fill(self, dataset: str, manifest: Path, out: Path) -> None:
        """Write the store of a data set.

        Args:
            dataset: its name.
            manifest: its people.
            out: prior store.

        Raises:
            InputError: a file is wrong, or says nothing of too many people.
        """


def check_layer(layer: int, layers: Sequence[int]) -> None:
    """Check that the layer whose maps are used is one of those that are stored.

    Raises:
        InputError: it is not.
    """
    if layer not in layers:
        raise InputError(f"layer: found {layer}, expected one of layers {list(layers)}")
