"""Results that are asked for by their paths, whose names lack a part or have one that there is not.

A variant's name stands in the path (:mod:`gcdr.variants`). Who types one may leave out the prior store, who
labels, or the gaze model: the name that was meant is said before anything is planned.
"""

import os
import re
from collections.abc import Callable, Collection
from dataclasses import replace

from gcdr.base.plain import Config
from gcdr.config.asked import method_entries
from gcdr.config.gaze_checks import can_label, unseen_prior, untaught
from gcdr.data.split_name import SPLIT_PATTERN
from gcdr.methods import METHODS
from gcdr.variants import AUTO, JOINT, ONLINE, REDRAWS, Redraw, Variant, averaged, pseudo_variant

VariantOf = Callable[[dict[str, str], str], Variant]
"""(entry as of ``report.methods``, study) -> its variant as configured."""

JUDGED = ("students", "metrics", "predicted", "curve")
MAPS = ("pseudo", "test", "steps")  # named after the gaze model that labels alone
KINDS = (*JUDGED, *MAPS, "teachers")
_PATH = re.compile(
    rf"results/(?P<study>[^/]+)/labels{SPLIT_PATTERN}-seed\d+/(?:(?P<kind>{'|'.join(KINDS)})/)?"
    r"(?P<name>[^/]+?)(?:/[^/]+|\.(?:json|parquet|h5))"
)
OF_NAMES = re.compile(r"(?:.*/)?figure_(?:people|stages)(?:\.\w+)?")
"""Targets that show a model which names what is looked at."""
CURVES = "label_advice"
"""The target that judges models on people who are set aside."""
JUDGED_ON_NOBODY = (
    f"{CURVES}: found split.validation 0, expected a share of the labelled people to set aside: curves of "
    "labels are judged on people whom no model has learned from"
)
OF_MAPS = re.compile(r"diffusion(?:-gc)?-(?=.)")  # metrics of maps themselves
RULERS = ("centre", "human", "random")  # metrics of no variant
RAW = {"metrics": "gradcam", None: "sweep"}  # results of a prior's maps alone, by folder
METHOD_OF = {
    about.teacher: name for name, about in reversed(METHODS.items()) if about.teacher is not None
}
"""The first method of each teacher: where the name of one says it."""


def _typed(name: str, known: Collection[str]) -> re.Match[str] | None:
    """A name's parts; None where it begins with none of the known names."""
    longest = "|".join(sorted(known, key=len, reverse=True))
    return re.fullmatch(
        rf"(?P<first>{longest})(?:-t(?P<timestep>\d+|{AUTO}))?(?:-n(?P<steps>\d+))?"
        rf"(?:-(?:(?P<letter>[ks])(?P<draws>\d+)|(?P<online>{ONLINE})))?(?P<names>(?:\+[^+]*)*)",
        name,
    )


FORGETTING = frozenset({"--cleanup-metadata", "--cm", "--omit-from", "-O"})
"""Options of Snakemake whose paths are no results that are asked for."""


def misnamed_results(
    asked: Collection[str], config: Config, stores: Collection[str], variant_of: VariantOf
) -> list[str]:
    """What is wrong with results that are asked for, a line each; nothing of other targets.

    Args:
        asked: what a run is asked for: paths, names of rules, options; with one of :data:`FORGETTING`
            paths may be of files that nobody makes any more.
        config: the configuration.
        stores: names of the prior stores that it can make.
        variant_of: a method's variant as configured.
    """
    problems: list[str] = []
    if FORGETTING & set(asked):
        return problems
    if (figures := sorted(filter(OF_NAMES.fullmatch, asked))) and not _names_things(config):
        problems.append(
            f"{figures[0]}: found no method of report.methods whose gaze model learns names; expected an "
            "entry of gaze.models with names (given, answers or detected), as with --configfile "
            "configs/semantic.yaml"
        )
    if CURVES in asked and not config["split"]["validation"]:
        problems.append(JUDGED_ON_NOBODY)
    for target in sorted(asked):
        found = _PATH.fullmatch(os.path.normpath(target))
        if found is None or found["study"] not in config["studies"]:
            continue
        study, kind, name = found.groups()
        asked_of = (study, config, stores, variant_of)
        if name.split(JOINT)[0] == RAW.get(kind):
            wrong = _misnamed_maps(name, *asked_of)
        else:
            wrong = kind and misnamed(name, kind, *asked_of)
        if wrong:
            problems.append(f"{target}: {wrong}")
    return problems


def _names_things(config: Config) -> bool:
    """Whether a method of the report has a gaze model that learns names."""
    models, own = config["gaze"]["models"], config["gaze"]["model"]
    named = (entry.get("gaze", own) for entry in method_entries(config))
    return any(models.get(name, {}).get("names") for name in named)


def _misnamed_maps(
    name: str, study: str, config: Config, stores: Collection[str], variant_of: VariantOf
) -> str | None:
    """The same of a result of a prior's maps alone."""
    first, *prior = name.split(JOINT)
    if len(prior) == 1 and prior[0] in stores:
        return None
    own = variant_of({"method": "raw"}, study).prior
    return f"found {name!r}, expected {f'{first}{JOINT}{own}'!r}; priors: {', '.join(config['priors'])}"


def misnamed(
    name: str,
    kind: str,
    study: str,
    config: Config,
    stores: Collection[str],
    variant_of: VariantOf,
) -> str | None:
    """What is wrong with a result's name, and the nearest one that there is; None where nothing is.

    Args:
        name: without folder and ending.
        kind: the folder that it lies in, one of ``KINDS``.
        study: whose it is.
        config, stores, variant_of: as in :func:`misnamed_results`.
    """
    if kind == "metrics" and name in RULERS:
        return None
    of_maps = OF_MAPS.match(name) if kind == "metrics" else None
    begin = of_maps[0] if of_maps else ""
    known = METHOD_OF if kind == "teachers" else {one: one for one in METHODS}
    typed = _typed(name.removeprefix(begin), known)
    if typed is None:
        others = [*RULERS, RAW[kind], "diffusion-gc-"] if kind == "metrics" else []
        return f"found {name!r}, expected a name that begins with {' or '.join([*known, *others])}"
    meant = _meant(known[typed["first"]], typed, study, config, stores, variant_of)
    if not _can_label(config, meant):
        asked = (config, meant.method, meant.gaze or "")
        return f"found {name!r}: {unseen_prior(*asked) or untaught(*asked)}"
    expected = begin + _in_folder(meant, kind, bool(begin))
    if name == expected:
        return None
    order = _order(meant) if kind in JUDGED and not begin else ""
    models = f"; gaze models: {', '.join(config['gaze']['models'])}" if meant.gaze else ""
    return f"found {name!r}, expected {expected!r}{order}{models}"


def _meant(
    method: str,
    typed: re.Match[str],
    study: str,
    config: Config,
    stores: Collection[str],
    variant_of: VariantOf,
) -> Variant:
    """The variant that parts of a name say, and the configuration where they say nothing."""
    names = typed["names"].split(JOINT)[1:]
    prior = names.pop(0) if METHODS[method].gradcam and names and names[0] in stores else None
    gazes = [name for name in names if name in config["gaze"]["models"]]
    made = variant_of({"method": method} | ({"gaze": gazes[-1]} if gazes else {}), study)
    if prior is not None:
        made = replace(made, prior=prior)
    if made.timestep is not None and typed["timestep"] == AUTO:
        made = replace(made, timestep=AUTO, steps=None)
    elif made.timestep is not None and typed["timestep"]:
        steps = made.steps or config["refine"]["steps"]
        made = replace(made, timestep=int(typed["timestep"]), steps=steps)
    if made.steps is not None and typed["steps"]:
        made = replace(made, steps=int(typed["steps"]))
    if made.redraw is not None and typed["online"]:
        made = replace(made, redraw=ONLINE, draws=1)
    elif made.redraw is not None and typed["letter"]:
        sampled: Redraw = "sampled" if typed["letter"] == REDRAWS["sampled"] else "mean"
        made = replace(made, redraw=sampled, draws=int(typed["draws"]))
    if made.about.teacher_apart and gazes and (len(gazes) > 1 or prior is not None):
        first = gazes[0] if gazes[0] != gazes[-1] else None
        named = replace(made, labeller=first)
        made = named if _can_label(config, named) else made
    return made


def _can_label(config: Config, made: Variant) -> bool:
    """Whether its gaze models can do what its method asks of them."""
    return can_label(config, made.method, made.gaze or "", made.labeller)


def _in_folder(made: Variant, kind: str, of_maps: bool) -> str:
    """What a result of a variant is called in a folder."""
    if kind == "teachers":
        return str(made.model)
    if kind in MAPS or of_maps:
        online = made.redraw == ONLINE and kind != "pseudo"
        return str(averaged(made) if online else pseudo_variant(made))
    return str(made)


def _order(made: Variant) -> str:
    """What stands in a variant's name."""
    said = {
        "prior store": made.prior,
        "gaze model that teaches": made.labeller,
        "gaze model": made.gaze,
    }
    return f" ({' + '.join(['method', *(what for what, name in said.items() if name)])})"
