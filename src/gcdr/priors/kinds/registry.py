"""The kinds of priors by name, the priors of a configuration, and the stores that they make.

To add a kind that is made from files, write a subclass of :class:`gcdr.priors.kinds.kind.FilesPrior` with
``SOURCES`` and ``fill`` in a file of its own, and add its line to ``PRIOR_KINDS``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from gcdr.base.errors import InputError
from gcdr.base.plain import Config
from gcdr.priors.kinds.kind import PriorKind

PRIOR_KINDS: dict[str, type[PriorKind]] = {
    found.KIND: found
    for line in (
        "gcdr.priors.kinds.vqa_kind VqaPrior",
        "gcdr.priors.kinds.pickles_kind PicklesPrior",
        "gcdr.priors.kinds.track_pickles_kind TrackPicklesPrior",
        "gcdr.priors.kinds.points_kind PointsPrior",
        "gcdr.priors.kinds.points_kind BoxesPrior",
        "gcdr.priors.kinds.maps_kind MapsPrior",
        "gcdr.priors.kinds.pointing_kind PointingPrior",
    )
    for module, name in [line.split()]
    for found in [getattr(import_module(module), name)]
}
"""By the name in the configuration. Modules stand as text: a job depends on that of its own kind alone."""

OVERLAYS = ("body", "head", "none")
PEOPLE = ("all", "test")


@dataclass(frozen=True)
class PriorStore:
    """A prior store; its text is the name of its file.

    Attributes:
        name: of the prior.
        prior: what the configuration says of it.
        overlay: what points at the person; None for kinds without an overlay.
        which: whose maps it holds: everybody's, or those of the test people.
    """

    name: str
    prior: PriorKind
    overlay: str | None = None
    which: str = "all"

    def made_by(self) -> dict[str, Any]:
        """What the file must say that made it, as far as the configuration decides that."""
        return self.prior.made_by(self.overlay, self.which)

    def __str__(self) -> str:
        overlay = "" if self.overlay is None else f"-{self.overlay}"
        return f"{self.name}{overlay}" + ("" if self.which == "all" else f"-of-{self.which}")


def parse_prior(name: str, entry: Config) -> PriorKind:
    """A prior from its entry of ``priors``.

    Raises:
        InputError: the kind is unknown, or a setting is wrong.
    """
    settings = dict(entry)
    kind = settings.pop("kind", None)
    if kind not in PRIOR_KINDS:
        raise InputError(
            f"priors.{name}.kind: found {kind!r}, expected one of {', '.join(PRIOR_KINDS)}"
        )
    return PRIOR_KINDS[kind].from_json(settings, f"priors.{name}")


def read_priors(config: Config) -> dict[str, PriorKind]:
    """The priors of a configuration by name.

    Raises:
        InputError: see :func:`parse_prior`.
    """
    return {name: parse_prior(name, entry) for name, entry in config["priors"].items()}


def named_prior(config: Config, study: Config) -> str:
    """Name of the prior that a study uses."""
    return study.get("prior", config["prior"])


def store_of(
    name: str, prior: PriorKind, which: str = "all", overlay: str | None = None
) -> PriorStore:
    """The store of a prior, with the overlay that it uses or another one."""
    used = prior.used_overlay
    return PriorStore(name, prior, used and (overlay or used), which)


def all_stores(priors: Mapping[str, PriorKind]) -> dict[str, PriorStore]:
    """Every store that priors can make, by the name of its file."""
    return {
        str(store): store
        for name, prior in priors.items()
        for which in (PEOPLE if prior.used_overlay else PEOPLE[:1])
        for overlay in (OVERLAYS if prior.used_overlay else (None,))
        for store in [store_of(name, prior, which, overlay)]
    }
