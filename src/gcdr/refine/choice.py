"""Which noise timestep a study's own labels ask for (in place of the paper's dial of 200, 250 or 300).

Candidates are judged on labelled people that the diffusion model did not learn from. Of those that cannot be
told from the best one, by one standard error of the difference, the latest timestep is taken: it trusts the
prior least. Comparing is paired, person by person, and people of one image or film count together. No torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.jsonconfig import JsonConfig
from gcdr.refine.reliability import Reliability

FORMAT = 1
HELD_OUT = "held out"
"""The set of people that a choice is made by, beside "val" and "test" of a sweep."""


@dataclass(frozen=True)
class Chosen(JsonConfig):
    """How maps are refined.

    Attributes:
        timestep: how far a map is noised.
        steps: DDIM steps.
    """

    timestep: int
    steps: int


@dataclass(frozen=True)
class Choice:
    """What was chosen for all people, and for groups of their own.

    Attributes:
        whole: for everybody else.
        groups: by the name of a group (a show, a camera).
        split: what is known of the split whose labels chose.
        reliability: how far off labels that are made so are expected to be; None where too few labels say.
    """

    whole: Chosen
    groups: dict[str, Chosen]
    split: Mapping[str, Any] = field(default_factory=dict)
    reliability: Reliability | None = None

    def parts(self, group: np.ndarray) -> list[tuple[Chosen, np.ndarray]]:
        """Who is refined how.

        Args:
            group: (N,) text, each person's group; of one that has no choice of its own, or none, the whole's.

        Returns:
            for each way that somebody has, the rows (n,) of its people, ascending.
        """
        of_person = [self.groups.get(name, self.whole) for name in group]
        return [
            (chosen, np.flatnonzero([one == chosen for one in of_person]))
            for chosen in dict.fromkeys(of_person)
        ]


def read_choice(path: Path) -> Choice:
    """The choice that :func:`gcdr.evaluation.sweeps.choose_timestep` wrote.

    Raises:
        InputError: absent, damaged, or something else.
    """
    content = read_json(path)
    found = content.get("chosen") if isinstance(content, dict) else None
    if not isinstance(found, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: found no choice of a timestep; make it again")
    groups = content.get("groups", {})
    if not isinstance(groups, dict) or not all(isinstance(one, dict) for one in groups.values()):
        raise InputError(f"{path}: groups: expected a table of groups; make it again")
    return Choice(
        Chosen.from_json(found, f"{path}, chosen"),
        {
            name: Chosen.from_json(
                {key: about[key] for key in ("timestep", "steps") if key in about},
                f"{path}, {name}",
            )
            for name, about in groups.items()
        },
        content.get("split") or {},
        Reliability.from_json(line, f"{path}, reliability")
        if (line := content.get("reliability")) is not None
        else None,
    )


def compared(errors: np.ndarray, unit: np.ndarray, weights: np.ndarray) -> pd.DataFrame:
    """Each candidate's error, and how far it can be told from the best one's.

    Args:
        errors: (C, N) of C candidates on N people.
        unit: (N,) what counts together, see :func:`gcdr.data.folds.clusters`.
        weights: (N,) what each person counts, of sum 1.

    Returns:
        a row a candidate: ``dist_to_mean``, ``above`` (its difference from the smallest error) and ``se``
        (the standard error of that difference).

    Raises:
        InputError: an error is not finite, or all people count together, so that nothing can be told apart.
    """
    if not np.isfinite(errors).all():
        raise InputError(
            f"errors of {int((~np.isfinite(errors)).any(0).sum())} of {errors.shape[1]} held-out people are "
            "not finite, so no timestep can be chosen; expected finite maps of the folds' models"
        )
    mean = errors @ weights
    apart = errors - errors[np.argmin(mean)]
    above = apart @ weights
    member = np.unique(unit, return_inverse=True)[1]
    units = member.max() + 1
    if units < 2:
        raise InputError(
            f"held-out people: found {len(member)} in one image or film, by which no timestep can be chosen; "
            "expected labelled people of several, or refine.timestep by number"
        )
    sums = np.zeros((len(errors), units))
    np.add.at(sums.T, member, ((apart - above[:, None]) * weights).T)
    share = np.bincount(member, weights)
    alike = np.ptp(weights) == 0
    se = np.sqrt((sums**2).sum(1) * (units / (units - 1) if alike else _few_units(share)))
    return pd.DataFrame({"dist_to_mean": mean, "above": above, "se": se})


def _few_units(share: np.ndarray) -> float:
    """By how much squared residuals of units are too small, since the mean is of the same units.

    Args:
        share: (U,) what each unit counts, of sum 1. Of equal ones it is U / (U - 1); few that count for most
            of the sum are few, however many others there are.
    """
    squares, cubes = (share**2).sum(), (share**3).sum()
    return float(1 / max(1 - 2 * cubes / squares + squares, 1e-12))


def select(table: pd.DataFrame, candidates: list[Chosen]) -> Chosen:
    """Of the candidates within one standard error of the best, the latest timestep and the fewest steps."""
    tied = [
        one for one, near in zip(candidates, table["above"] <= table["se"], strict=True) if near
    ]
    return max(tied, key=lambda one: (one.timestep, -one.steps))


def shrunk_weights(member: np.ndarray, strength: float) -> np.ndarray:
    """Weights (N,) of people for a group: its own errors, drawn towards those of everybody.

    Args:
        member: (N,) bool, who is in the group.
        strength: how many people of the group everybody together counts for.
    """
    own = member.sum() / (member.sum() + strength)
    return own * member / max(1, member.sum()) + (1 - own) / len(member)
