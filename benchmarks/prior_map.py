"""When does refinement pay? Prior by share of labels by student, as Markdown tables.

python benchmarks/prior_map.py SPLIT_FOLDER [SPLIT_FOLDER ...]      such as results/map-*/labels*

After configs/prior-map.yaml. AvgDist of test people at the centre of the cell, the mean over worlds and in
brackets each world's, in the order of the folders. First the students: of a prior's maps as they are, of
Gaussians at their peaks (argmax) and of refined maps (GCDR, timestep chosen by labels), and beside them what
takes no prior. Then the maps themselves: raw, refined with the labels' choice, and at the best fixed timestep
of a sweep, where these files are there. What is absent is a dash, and a mean is of the worlds that have it.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from regret import missing, refined

from gcdr.base.errors import InputError
from gcdr.base.files import read_json

WITH_PRIOR = {
    "raw": "student of raw maps",
    "argmax": "of their peaks (argmax)",
    "gcdr-tauto-k1": "of refined maps (GCDR, auto)",
}
WITHOUT = {"no-gradcam-n2-k1": "No Grad-CAM", "vat": "VAT"}
STUDENT = "vat"


@dataclass(frozen=True)
class World:
    """A split of one world.

    Attributes:
        folder: of the split.
        share: of the labels, per cent.
    """

    folder: Path
    share: int

    def error(self, variant: str) -> float:
        """AvgDist of a variant; NaN where it is not there yet."""
        path = self.folder / f"metrics/{variant}.json"
        return read_json(path)["metrics"]["dist_to_mean"]["value"] if path.exists() else np.nan

    def chosen(self, prior: str) -> int | None:
        """The timestep that labels chose."""
        path = self.folder / f"timestep/configured+{prior}.json"
        return read_json(path)["chosen"]["timestep"] if path.exists() else None

    def fixed(self, prior: str) -> tuple[float, int | None]:
        """The smallest error of a sweep on test people, and its timestep."""
        if missing(self.folder, prior):
            return np.nan, None
        found = refined(self.folder, prior).fixed
        time = min(found, key=found.__getitem__)
        return found[time], time

    @property
    def priors(self) -> list[str]:
        """Prior stores whose raw maps were judged."""
        return [path.stem.partition("+")[2] for path in self.folder.glob("metrics/gradcam+*.json")]


def read_worlds(folders: list[Path]) -> dict[int, list[World]]:
    """Splits by their share of labels, ascending.

    Raises:
        InputError: a folder that is not called after a share, or none of them.
    """
    worlds: dict[int, list[World]] = {}
    for folder in folders:
        found = re.fullmatch(r"labels(\d+)-seed\d+", folder.name)
        if not found:
            raise InputError(f"{folder}: expected a folder of a split, such as labels10-seed721")
        worlds.setdefault(int(found[1]), []).append(World(folder, int(found[1])))
    if not worlds:
        raise InputError("found no folder, expected some such as results/map-*/labels*")
    return dict(sorted(worlds.items()))


def shown(values: list[float]) -> str:
    """Mean and each world's value."""
    known = [value for value in values if not np.isnan(value)]
    if not known:
        return "–"
    each = " ".join("–" if np.isnan(value) else f"{value:.3f}" for value in values)
    return f"{np.mean(known):.3f} ({each})"


def row_of(headings: list[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(headings)} |"


def columns(prior: str) -> dict[str, str]:
    """Variant by the name of its column."""
    named = {name: f"{method}+{prior}+{STUDENT}" for method, name in WITH_PRIOR.items()}
    return named | {name: f"{method}+{STUDENT}" for method, name in WITHOUT.items()}


def first_of(errors: Mapping[str, list[float]]) -> str:
    """The column of least error, among worlds that have all columns' values, and in how many it is first."""
    names = [name for name, values in errors.items() if not np.isnan(values).all()]
    table = np.array([errors[name] for name in names])
    whole = ~np.isnan(table).any(0) if names else np.zeros(0, bool)
    if not whole.any():
        return "–"
    best = int(table[:, whole].mean(1).argmin())
    times = int((table[:, whole].argmin(0) == best).sum())
    return f"{names[best]}, {times} of {whole.sum()}"


def students(worlds: Mapping[int, list[World]]) -> list[str]:
    """The table of students, and how often refined maps teach better than their peaks."""
    names = [*WITH_PRIOR.values(), *WITHOUT.values()]
    head = ["labels", "prior", "its own error", *names, "chosen t", "first"]
    lines = [row_of(head), row_of(["---:", "---", *["---:"] * (len(names) + 2), "---"])]
    refine, argmax = WITH_PRIOR["gcdr-tauto-k1"], WITH_PRIOR["argmax"]
    gains: dict[str, list[float]] = {}
    for share, several in worlds.items():
        for prior in ordered(several):
            errors = {
                name: [world.error(variant) for world in several]
                for name, variant in columns(prior).items()
            }
            own = [world.error(f"gradcam+{prior}") for world in several]
            times = " ".join(str(world.chosen(prior) or "–") for world in several)
            cells = [f"{share} %", prior, shown(own), *map(shown, errors.values())]
            lines.append(row_of([*cells, times, first_of(errors)]))
            apart = np.subtract(errors[argmax], errors[refine])
            gains.setdefault(prior, []).extend(apart[~np.isnan(apart)])
    said = [
        f"{prior} in {sum(gain > 0 for gain in found)} of {len(found)} (by {np.mean(found):+.3f} on average)"
        for prior, found in gains.items()
        if found
    ]
    every = [gain for found in gains.values() for gain in found]
    total = f"in {sum(gain > 0 for gain in every)} of {len(every)}"
    lines += [
        "",
        f"A student of refined maps is before one of their peaks {total}: {', '.join(said)}.",
    ]
    return lines


def ordered(worlds: list[World]) -> list[str]:
    """Priors of all worlds, the best by itself first."""
    priors = {prior for world in worlds for prior in world.priors}
    errors = {p: np.nanmean([world.error(f"gradcam+{p}") for world in worlds]) for p in priors}
    return sorted(priors, key=errors.__getitem__)


def maps(worlds: Mapping[int, list[World]]) -> list[str]:
    """The table of the maps themselves."""
    head = ["labels", "prior", "raw maps", "refined, auto", "refined, best fixed t", "best t"]
    lines = [row_of(head), row_of(["---:", "---", *["---:"] * 4])]
    for share, several in worlds.items():
        for prior in ordered(several):
            raw = [world.error(f"gradcam+{prior}") for world in several]
            auto = [world.error(f"diffusion-gc-gcdr-tauto-k1+{prior}") for world in several]
            fixed = [world.fixed(prior) for world in several]
            best = " ".join(str(time or "–") for _, time in fixed)
            cells = [shown(raw), shown(auto), shown([error for error, _ in fixed]), best]
            lines.append(row_of([f"{share} %", prior, *cells]))
    return lines


if __name__ == "__main__":
    try:
        found = read_worlds([Path(name) for name in sys.argv[1:]])
        print("\n".join([*students(found), "", *maps(found)]))
    except InputError as error:
        sys.exit(str(error))
