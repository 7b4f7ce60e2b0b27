"""Names of label splits, as they stand in paths: ``10``, ``own-part50``, ``10-unlabelled50``."""

import re
from dataclasses import dataclass, replace
from typing import Self

from gcdr.base.errors import InputError

OWN = "own"
"""In place of a label share: who has a label is labelled (``split.share: null``)."""

CHOSEN = "chosen"
"""In place of a label share: whose labels are kept is said by the study (``studies.NAME.labels``)."""

SPLIT_PATTERN = rf"(?:\d+|{OWN}|{CHOSEN})(?:-part\d+)?(?:-unlabelled\d+)?"
"""Regular expression of the names, for wildcards."""

_PARTS = re.compile(
    r"(?P<labelled>[^-]+)(?:-part(?P<part>\d+))?(?:-unlabelled(?P<unlabelled>\d+))?"
)


@dataclass(frozen=True)
class SplitName:
    """What a label split's name says.

    Attributes:
        labelled: label share in per cent, :data:`OWN` or :data:`CHOSEN`.
        part: per cent of the labels that a learning curve keeps, or None.
        unlabelled: per cent of the unlabelled people who are used, or None for all of them.
    """

    labelled: int | str
    part: int | None = None
    unlabelled: int | None = None

    def __str__(self) -> str:
        name = f"{self.labelled}"
        name += "" if self.part is None else f"-part{self.part}"
        return name + ("" if self.unlabelled is None else f"-unlabelled{self.unlabelled}")

    @property
    def labels_alone(self) -> Self:
        """The same labels, whatever the amount of unlabelled people: for what sees none of those."""
        return replace(self, unlabelled=None)

    @classmethod
    def parse(cls, name: str) -> Self:
        """What ``str`` wrote.

        Raises:
            InputError: it is no such name.
        """
        if not re.fullmatch(SPLIT_PATTERN, name):
            raise InputError(
                f"label split: found {name!r}, expected a name such as 10 or 10-part50"
            )
        found = _PARTS.fullmatch(name)
        assert found is not None
        labelled = found["labelled"]
        part, unlabelled = (
            int(found[key]) if found[key] else None for key in ("part", "unlabelled")
        )
        return cls(int(labelled) if labelled.isdecimal() else labelled, part, unlabelled)


def split_folder(share: SplitName, seed: int) -> str:
    """Name of the folder of a label split below its study."""
    return f"labels{share}-seed{seed}"


def parse_split_folder(name: str) -> tuple[SplitName, int]:
    """The split and its seed.

    Raises:
        InputError: it is no such name.
    """
    found = re.fullmatch(r"labels(.+)-seed(\d+)", name)
    if found is None:
        raise InputError(f"label split: found folder {name!r}, expected one such as labels10-seed0")
    return SplitName.parse(found[1]), int(found[2])
