"""What is checked of what names things (``semantics``) before any work begins, beyond the schema."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from gcdr.base.errors import InputError, one_line
from gcdr.base.plain import Config
from gcdr.config.asked import method_entries, trained_gaze_models, used_datasets
from gcdr.data.vocabulary import WORLD_VOCABULARY, read_vocabulary
from gcdr.methods import METHODS
from gcdr.priors.kinds.registry import named_prior, parse_prior
from gcdr.priors.tower_files import (
    SAM,
    TUNED,
    is_world_backbone,
    region_faults,
    region_kind,
    tower_faults,
)

WORLD_TOWER = "assets/world/vqa"


def semantic_problems(config: Config, planned: Collection[str]) -> Iterator[str]:
    """A vocabulary, towers and a namer of regions that are not there, or are none.

    They are looked at where a configuration names them; the demo world's tower, which is named by default,
    where a model that is asked for learns names.

    Args:
        config: a configuration that fits the schema.
        planned: files that are not there yet but will be.
    """
    asked, key = config["semantics"], "semantics.vocabulary"
    vocabulary = asked["vocabulary"]
    if vocabulary != WORLD_VOCABULARY and vocabulary not in planned:
        try:
            read_vocabulary(vocabulary)
        except InputError as error:
            yield f"{key}: {one_line(error)}"
    models = config["gaze"]["models"]
    learned = any(models.get(name, {}).get("names") for name in trained_gaze_models(config))
    towers = [("tower", False)] if learned or asked["tower"] != WORLD_TOWER else []
    if asked["image_tower"] is not None:
        towers.append(("image_tower", True))
    elif asked["two_stage"]:
        towers.append(("tower", True))
    folders = {Path(file).parent for file in planned}
    if (namer := asked["detector"]["weights"]) is not None and Path(namer) not in folders:
        faults = list(region_faults(Path(namer)))
        yield from (f"semantics.detector.weights: {line}" for line in faults)
        if not faults and region_kind(Path(namer)) == SAM:  # which says where, and CLIP what
            towers.append(("tower", True))
    for name, sees in dict.fromkeys(towers):
        folder = Path(asked[name])
        faults = [] if folder in folders else list(tower_faults(folder, sees))
        yield from (f"semantics.{name}: {line}" for line in faults)
        if faults:  # a folder that is none is one problem
            return
    yield from _spaces_apart(asked)
    yield from _unanswered(config)


def _spaces_apart(asked: Config) -> Iterator[str]:
    """An image tower whose pictures are compared with names, untuned, in the space of another text tower."""
    untuned = [how for how in asked["two_stage"] if not how.startswith(TUNED)]
    tower, other = asked["tower"], asked["image_tower"]
    if not untuned or other is None or os.path.realpath(other) == os.path.realpath(tower):
        return
    lies = "no text tower's" if is_world_backbone(Path(other)) else "that of its own text tower"
    yield (
        f"semantics.two_stage: found {', '.join(untuned)} with image_tower {other}, whose space is {lies}, "
        f"and names in that of {tower}; expected {', '.join(TUNED + how for how in untuned)}, or image_tower "
        "null and the whole CLIP as tower"
    )


def _unanswered(config: Config) -> Iterator[str]:
    """Students that would learn names by answers of a prior that says where people look and not at what."""
    datasets, models, own = used_datasets(config), config["gaze"]["models"], config["gaze"]["model"]
    for entry in method_entries(config):
        gaze, about = entry.get("gaze", own), METHODS.get(entry["method"])
        if about is None or not about.student or models.get(gaze, {}).get("names") != "answers":
            continue
        for study in config["report"]["studies"]:
            used = named_prior(config, config["studies"].get(study, {}))
            name = entry.get("prior", used) if about.gradcam else used
            try:
                prior = parse_prior(name, config["priors"][name])
            except (InputError, KeyError):
                continue  # said elsewhere
            if not any(map(prior.names_things, datasets.get(study, []))):
                yield (
                    f"report.methods, {entry['method']}: gaze.models.{gaze} learns names by answers, and "
                    f"prior {name} ({prior.KIND}) of study {study} says where people look and not at what; "
                    "expected a VQA model, a model that points and is asked for a label, a table with a "
                    "column label, or names given"
                )
