"""What is checked of the detectors of people and of heads before any work begins."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS, read_json
from gcdr.base.plain import Config
from gcdr.config.asked import diffuses, sees_depth, used_datasets, used_gaze_models
from gcdr.config.weight_use import Use
from gcdr.datasets.layout import lacks_heads
from gcdr.detection.depth_layout import DEPTH_FILES, check_family
from gcdr.detection.shipped import CENTERFACE, DRAWINGS, weights_of_centerface
from gcdr.models.contents import KEYPOINTS, MASKS, check_weights
from gcdr.models.sizes import weights_file
from gcdr.world.dataset import DRAWN


def detector_uses(config: Config) -> Iterator[Use]:
    """The detector of people, and that of heads where own images or films come without a table of them."""
    datasets = config["datasets"]
    used = dict.fromkeys(name for names in used_datasets(config).values() for name in names)
    photographs = [
        name
        for name in used
        if name in datasets
        and datasets[name]["kind"] not in DRAWN
        and not datasets[name].get("drawn", False)
    ]
    asked = bool(config["report"]["studies"] or config["galleries"])
    yield _detector("detect", config, photographs, used=asked)
    if (blind := _without_depth(config, used)) is not None:
        source = config["depth"]["weights"]
        files = tuple(Path(source) / name for name in DEPTH_FILES)
        why = f", which estimates the depth of datasets.{blind}"
        yield Use("depth.weights", source, files, (partial(check_family, Path(source)),), why)
    seen_at_all = used if asked else datasets
    headless = [name for name in seen_at_all if name in datasets and lacks_heads(datasets[name])]
    if headless:
        why = f", which finds heads where datasets.{headless[0]} has no table"
        seen = [name for name in photographs if name in headless]
        yield _detector("heads", config, seen, used=bool(set(used) & set(headless)), why=why)


def _without_depth(config: Config, used: Iterable[str]) -> str | None:
    """The first data set whose depth is to be estimated for what is asked; None where there is none."""
    seeing = [*used_gaze_models(config), *([None] if diffuses(config) else [])]
    if not any(sees_depth(config, name) for name in seeing):
        return None
    drawn = DRAWN if config["depth"]["drawn"] != "estimated" else ()
    sources = {name: config["datasets"].get(name, {}) for name in used}
    blind = (n for n, s in sources.items() if "depth" not in s and s.get("kind") not in drawn)
    return next(blind, None)


def _detector(
    section: str, config: Config, photographs: list[str], *, used: bool, why: str = ""
) -> Use:
    """Of people ("detect") or of heads: a checkpoint of torchvision, or a folder with sizes and a card."""
    source, key = config[section]["weights"], f"{section}.weights"
    if section == "heads" and source == CENTERFACE:
        return Use(key, source, (), (weights_of_centerface,) if used else (), why)
    file = weights_file(source)
    files = (file,) if str(file) == source else (file, file.with_name("config.json"))
    check = partial(_check_detector, file, section, photographs)
    return Use(key, source, files, (check,) if used else (), why)


def _check_detector(file: Path, section: str, photographs: list[str]) -> None:
    faces = section == "heads" and file.suffix in CHECKPOINTS  # whose keypoints give the head box
    check_weights(file, [KEYPOINTS if faces else MASKS])
    card = file.with_name("card.json")
    if file.suffix in CHECKPOINTS or not card.is_file():
        return
    content = read_json(card)
    content = content if isinstance(content, dict) else {"finds": "nothing"}
    found, wanted = content.get("finds", "people"), "heads" if section == "heads" else "people"
    if found != wanted:
        raise InputError(f"{card}: a detector of {found}, expected one of {wanted}")
    if content.get(DRAWINGS) and photographs:
        raise InputError(
            f"{file.parent}: has seen drawings only, and datasets.{photographs[0]} has photographs; "
            f"expected a detector of {wanted} in photographs (docs/weights.md), or "
            f"datasets.{photographs[0]}.drawn: true"
        )
