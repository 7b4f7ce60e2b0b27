"""What is checked of what names things (``semantics``) before any work begins, beyond the schema."""

from collections.abc import Collection, Iterator
from pathlib import Path

from gcdr.base.errors import InputError, one_line
from gcdr.base.plain import Config
from gcdr.config.asked import trained_gaze_models
from gcdr.data.vocabulary import WORLD_VOCABULARY, read_vocabulary
from gcdr.priors.tower_files import SAM, region_faults, region_kind, tower_faults

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
