"""What all kinds of priors have in common."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig


@dataclass(frozen=True, kw_only=True)
class PriorKind(JsonConfig):
    """A prior as the configuration describes it: an entry of ``priors``.

    Attributes:
        KIND: its name in the configuration.
        TITLE: what it is, for the reference page.
        SOURCES: the field with what it is made from, by data set; None where a model is asked about any.
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

    @property
    def jobs(self) -> int:
        """How many jobs share the people of a store."""
        return 1

    @property
    def sources(self) -> Mapping[str, Any] | None:
        """What it is made from by data set; None where it can be made for any."""
        return None if self.SOURCES is None else getattr(self, self.SOURCES)

    def files(self, dataset: str) -> Sequence[tuple[str, str]]:
        """The files that it is made from for a data set, each with the key that names it."""
        return [(f"{self.SOURCES}.{dataset}", self.sources[dataset])] if self.sources else []

    def problems(self, datasets: Collection[str], planned: Collection[str]) -> list[str]:
        """What this machine lacks to make the stores of these data sets, each said with its key.

        Args:
            datasets: names of data sets.
            planned: files that are not there yet but will be.
        """
        if self.sources is None:
            return []
        problems = [
            f"{self.SOURCES}: found {list(self.sources)}, expected data set {name!r} too"
            for name in datasets
            if name not in self.sources
        ]
        return problems + [
            f"{key}: no file {path}"
            for name in datasets
            if name in self.sources
            for key, path in self.files(name)
            if not Path(path).is_file()
        ]


def check_layer(layer: int, layers: Sequence[int]) -> None:
    """Check that the layer whose maps are used is one of those that are stored.

    Raises:
        InputError: it is not.
    """
    if layer not in layers:
        raise InputError(f"layer: found {layer}, expected one of layers {list(layers)}")
