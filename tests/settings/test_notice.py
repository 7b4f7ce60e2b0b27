"""What the report says its numbers are of."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from gcdr.config.generated import read_schema
from gcdr.config.schema import inline_references
from gcdr.settings.reporting import GUESSES, NOTICES, notice_of, notice_of_gallery

ROOT = Path(__file__).parents[2]


def settings(*overlays: str, **changes: Any) -> dict[str, Any]:
    """The configuration with overlays, as the workflow hands it to the report."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for name in overlays:
        update_config(config, yaml.safe_load((ROOT / "configs" / name).read_text()))
    return config | changes


def test_demo_world_says_that_it_is_one() -> None:
    assert notice_of(settings()) == NOTICES["world"]
    assert "GazeFollow, which was never measured here" in NOTICES["world"]


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        ("gazefollow.yaml", "These numbers are of GazeFollow. It was not at hand"),
        (
            "videoattentiontarget.yaml",
            "of VideoAttentionTarget.",
        ),
    ],
)
def test_real_data_are_not_called_a_demo_world(overlay: str, expected: str) -> None:
    said = notice_of(settings(overlay) | {"notice": "Shipped."})
    assert expected in said and "rendered" not in said


def test_shipped_weights_on_photographs_are_named() -> None:
    config = settings(
        datasets={"mine": {"kind": "folder"}},
        studies={"mine": {"dataset": "mine"}},
        report={"studies": ["mine"]},
    )
    assert notice_of(config) == f"{NOTICES['folder']} {config['notice']}"
    own = {"weights": "weights/own"}
    other = {"model": "vat", "models": {"vat": {"kind": "vat", "size": "paper", "init": None}}}
    config |= {"priors": {"ofa-world": own}, "detect": own, "gaze": other}
    assert (
        notice_of(config) == f"{NOTICES['folder']} {config['notice']}"
    )  # the diffusion model starts there
    config |= {"diffusion": {"init": None}}
    assert notice_of(config) == NOTICES["folder"]


def test_pool_is_named_after_its_test_people() -> None:
    datasets = {
        "a--b": {"kind": "pool", "test": "b"},
        "b": {"kind": "gazelle"},
        "a": {"kind": "world"},
    }
    studies = {"transfer": {"dataset": "a--b"}}
    config = settings(datasets=datasets, studies=studies, report={"studies": ["transfer"]})
    assert notice_of(config).startswith(NOTICES["gazelle"])


def test_every_kind_of_data_set_has_a_notice() -> None:
    schema = inline_references(read_schema(ROOT / "workflow/schemas/config.schema.yaml"))
    kinds = re.findall(r"'kind': {'const': '([\w-]+)'", str(schema["properties"]["datasets"]))
    assert len(kinds) == 11 and set(kinds) == set(NOTICES)


def test_read_hidden_labels_are_said() -> None:
    config = settings("gazefollow.yaml")
    assert "HIDDEN LABELS WERE READ" not in notice_of(config)
    config["split"]["out_of_frame"] = "reference"
    assert "HIDDEN LABELS WERE READ" in notice_of(config)


@pytest.mark.parametrize(
    ("photographs", "teacher"), [(True, "mine"), (True, "demo"), (False, "mine")]
)
def test_a_gallery_says_of_what_its_weights_are(photographs: bool, teacher: str) -> None:
    overlays = ["own-photos.yaml"] * photographs + ["own-labels.yaml"]
    config = settings(*overlays)
    config["studies"]["mine"]["teacher"] = teacher
    told = notice_of_gallery(config, "mine")
    config["studies"]["mine"]["init"] = {"gazelle": {"study": "demo", "model": "gcdr"}}
    assert notice_of_gallery(config, "mine") == config["notice"]
    assert told == (GUESSES if photographs and teacher == "mine" else config["notice"])
