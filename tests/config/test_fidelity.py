"""The ledger of docs/fidelity.md against configs/gazefollow.yaml."""

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from snakemake.utils import update_config

from gcdr.config.generated import read_schema
from gcdr.config.schema import by_share, validate_config
from gcdr.detection.detector import DetectorConfig, build_detector
from gcdr.methods import METHODS
from gcdr.priors.kinds.registry import read_priors
from gcdr.training.recipes import DiffusionRecipe, Recipe

ROOT = Path(__file__).parents[2]
NOT_HELD = {  # sections, and why none of their leaves decides a number of GazeFollow's
    "device": "where to compute", "processes": "where to compute",
    "datasets": "which data", "studies": "which runs",
    "report": "what is shown", "galleries": "what is shown", "predictions": "what is shown",
    "blur_faces": "what is shown",
    "notice": "what is said",
    "downloads": "where files come from", "depth": "models that see depth alone",
    "heads": "own images without head boxes alone",
    "semantics": "gaze models that say what is looked at, of which gazefollow.yaml has none",
    "world_weights": "the demo world alone",
}  # fmt: skip
# How the work is shared out; how a timestep is chosen, where each is a number; what the paper does not run.
NO_BIT = re.compile(
    r"detect\.shards|priors\..*\.(shards|workers)|refine\.auto\..*|gaze\.unlabelled\..*"
)

TRAINING = (
    "batch_size debug epochs eval_every init_weights lambda_ loss_amp_factor lr no_inout onlyin optim"
    " print_every remark resume save_every setting_name supervise_ratio weight_decay"
)
SAMPLING = "ddim_eta inference_steps inference_times no_ddim pred_noise scale scale_input schedule time_steps"
MEAN_TEACHER = "consistency consistency_rampup consistency_type ema-decay labeled-batch-size"
STUDENT = (
    "denoise_steps gradcam_only labeled_batch_size sample_from_noise save_ckpt teacher_ckpt"
    " teacher_model"
)
OPTIONS = {  # of the released scripts, without devices, folders and logs
    "base": f"{TRAINING} config gradcam_outsize model no_decay plot_every",
    "diff": f"{TRAINING} {SAMPLING} alpha config_file hm_sigma model no_decay plot_every",
    "diff_meanteacher": f"{TRAINING} {SAMPLING} {MEAN_TEACHER} alpha config coord_regression hm_sigma"
    " plot_every",
    "semisup": f"{TRAINING} {SAMPLING} {STUDENT} config model",
    "gradcam": "sample_num test vis_gradcam vqa_weights",
}
SCRIPTS = {  # that a word of the page stands for
    "all": ("base", "diff", "diff_meanteacher", "semisup"),
    "some": ("base", "diff", "diff_meanteacher", "semisup"),
    "diffusion": ("diff", "diff_meanteacher", "semisup"),
}


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text())


def defaults(kind: type[Recipe]) -> dict[str, Any]:
    """What a recipe's settings are where no file names them."""
    named = {field.name: field.default for field in fields(kind) if field.name != "horizon"}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in named.items()
        if value is not MISSING
    }


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    merged = read("config.yaml")
    update_config(merged, read("configs/gazefollow.yaml"))
    whole = {name: prior.to_json() for name, prior in read_priors(merged).items()}
    prior = merged["prior"]  # the paper's; of others the page says nothing
    merged["priors"] = {prior: {**merged["priors"][prior], **whole[prior]}}
    for section, kind in (("gaze", Recipe), ("diffusion", DiffusionRecipe)):
        merged[section]["recipe"] = defaults(kind) | merged[section]["recipe"]
    used = merged["gaze"]["model"]  # the paper's; of others the page says nothing
    merged["gaze"]["models"] = {used: merged["gaze"]["models"][used]}
    return merged


def table(title: str) -> list[list[str]]:
    """Rows of the first table below a heading."""
    text = (ROOT / "docs/fidelity.md").read_text().split(f"\n## {title}\n", 1)[1]
    lines = [line for line in text.split("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def leaf(config: dict[str, Any], path: str) -> Any:
    """A value by its dotted path; in a table by label share, that of the share."""
    value: Any = config
    for name in path.split("."):
        value = value.get(name, value["default"]) if "default" in value else value[name]
    return value


def code(cell: str) -> str:
    found = re.fullmatch(r"`([^`]+)`", cell)
    assert found, f"expected one literal, found {cell!r}"
    return found[1]


@pytest.mark.parametrize("row", table("Settings"), ids=lambda row: row[0])
def test_row_is_what_the_configuration_says(config: dict[str, Any], row: list[str]) -> None:
    _, paper, released, ours, path, given = row
    assert leaf(config, code(path)) == yaml.safe_load(code(ours))
    assert given in ("paper", "code", "assumed")
    assert paper != "–" or given != "paper", "the paper gives something where it is the source"
    assert released != "–" or given != "code" or code(ours) == "null"


def test_every_leaf_that_decides_a_number_is_in_the_ledger(config: dict[str, Any]) -> None:
    """Of the merged configuration: a default that the overlay leaves alone decides as well."""
    listed = {code(row[4]) for row in table("Settings")}

    def leaves(value: Any, path: str) -> list[str]:
        if isinstance(value, dict) and value and "default" not in value:
            return [found for key, part in value.items() for found in leaves(part, f"{path}.{key}")]
        return [path]

    assert NOT_HELD.keys() < config.keys()
    for section in config.keys() - NOT_HELD.keys():
        for path in leaves(config[section], section):
            held = any(name == path or re.fullmatch(rf"{path}\.\d+", name) for name in listed)
            assert held or NO_BIT.fullmatch(path), path


def test_the_detectors_score_is_the_releases() -> None:
    (row,) = (row for row in table("Behaviour that is no single setting") if "score" in row[0])
    assert DetectorConfig.score_threshold == 0.6
    assert "code: 0.6" in row[1] and row[2].startswith("0.6 ")


def test_the_detectors_sizes_are_those_of_the_ledger() -> None:
    (row,) = (
        row for row in table("Behaviour that is no single setting") if "inner sizes" in row[0]
    )
    sizes = DetectorConfig.coco()
    found = sizes.min_size, sizes.max_size, sizes.proposals, sizes.detections
    with torch.device("meta"):
        overlap = build_detector(sizes).roi_heads.nms_thresh
    assert row[2] == "torchvision's, the same: {}, {:,}, {:,}, {}, .5".format(*found)
    assert overlap == 0.5


def test_options_lead_to_leaves(config: dict[str, Any]) -> None:
    for option, _, target in table("Options of the released command lines"):
        assert option.startswith("`--")
        for path in re.findall(r"`([a-z_]+\.[a-z_.-]+)`", target.replace("configs/", "")):
            if not path.endswith(".yaml"):
                leaf(config, path)
        if target.startswith("`report.methods`"):
            named = re.findall(r"`([a-z-]+)`", target)
            assert named and set(named) <= set(METHODS)
        assert target.startswith(("`", "–"))


def test_every_released_option_is_on_the_page_and_no_other() -> None:
    known = {script: set(options.split()) for script, options in OPTIONS.items()}
    listed: dict[str, set[str]] = {script: set() for script in known}
    for names, scripts, _ in table("Options of the released command lines"):
        options = set(re.findall(r"`--([\w-]+)`", names))
        used = [
            one
            for word in scripts.replace("`", "").split(", ")
            for one in SCRIPTS.get(word, [word])
        ]
        for script in used:
            listed[script] |= options
        assert all(any(option in known[script] for script in used) for option in options), names
    for script, options in known.items():
        assert options <= listed[script], (script, options - listed[script])


def test_entries_of_the_released_yaml_lead_to_leaves(config: dict[str, Any]) -> None:
    rows = table("Entries of the released YAML")
    for _, target in rows:
        assert target.startswith("–") or leaf(config, target.split("`")[1]) is not None
    assert len(re.findall(r"`DIFF_MODEL\.\w+`", "".join(row[0] for row in rows))) == 12


@pytest.mark.parametrize("share", [5, 10, 20, 50, 100])
def test_recipes_of_every_share_can_be_read(config: dict[str, Any], share: int) -> None:
    validate_config(config, read_schema(ROOT / "workflow/schemas/config.schema.yaml"))
    gaze, diffusion = config["gaze"], config["diffusion"]
    for base, changes in (
        (gaze["recipe"], {}),
        (gaze["recipe"], gaze["teacher"]),
        (gaze["recipe"], gaze["mean_teacher"]["recipe"]),
        (diffusion["recipe"], diffusion["mapping"]),
        (diffusion["recipe"], diffusion["mean_teacher"]["recipe"]),
    ):
        chosen = by_share({**base, **changes}, share)
        chosen = {key: value for key, value in chosen.items() if key not in ("draws", "own")}
        recipe = Recipe.from_json(chosen, "recipe")
        assert recipe.length(100.0) == 100 * chosen["epochs"]
        assert recipe.ema is None and recipe.optimiser == "adam"
