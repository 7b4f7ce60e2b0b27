"""Models of other studies that a study starts from or takes: what cannot be is refused before any job."""

from pathlib import Path
from typing import Any

import pytest

from gcdr.base.errors import InputError
from gcdr.config.checked import check_values, lay_over, read_config
from gcdr.config.generated import read_schema

ROOT = Path(__file__).parents[2]
SCHEMA = read_schema(ROOT / "workflow/schemas/config.schema.yaml")
STILLS = {"study": "stills", "model": "vat", "gaze": "vat"}
TEACHER = {"study": "stills", "model": "gcdr"}


def check(changes: dict[str, Any], *further: str) -> None:
    """Check the demo of films with changes, ``study`` being those of one of its shows."""
    overlays = [ROOT / f"configs/{name}.yaml" for name in ("demo-video", *further)]
    config = read_config([ROOT / "config.yaml", *overlays])
    changes = dict(changes)
    config["studies"]["kitchen"] |= changes.pop("study", {})
    lay_over(config, changes)
    check_values(config, SCHEMA)


@pytest.fixture(autouse=True)
def at_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_demo_of_films_is_right() -> None:
    check({})
    check({}, "shows-demo")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"study": {"init": {"film": {**STILLS, "gaze": "gazelle"}}}}, "found a Gaze-LLE; a Video"),
        ({"study": {"pretrained": {"vat": {"film": STILLS}}}}, "expected a Video VAT"),
        ({"study": {"pretrained": {"vat": {"vat": {**STILLS, "model": "vat-gc"}}}}}, "found a VAT-GC"),
        ({"study": {"pretrained": {"mapping": TEACHER}}}, "has the teacher diffusion; expected mapping"),
        ({"study": {"pretrained": {"diffusion": TEACHER}}}, "found a denoiser of tracks"),
        ({"study": {"init": {"diffusion": {**TEACHER, "model": "vat"}}}}, "such as gcdr"),
        ({"study": {"init": {"diffusion": {"study": "none", "model": "gcdr"}}}}, "no study 'none'"),
        ({"gaze": {"recipe": {"learned": "in_time"}}}, "gaze.recipe.learned: found in_time for stills"),
        ({"diffusion": {"tracks": False, "recipe": {"learned": "in_time"}}}, "diffusion.tracks: false"),
        ({"diffusion": {"tracks": False, "recipe": {"truncate": 3}}}, "recipe.truncate: found 3 for diff"),
        ({"gaze": {"recipe": {"truncate": 3}}}, "gaze.recipe.truncate: found 3 for stills"),
        ({"refine": {"timestep": "auto"}}, "found auto, which deals labelled clips to 2 folds"),
        ({"refine": {"redraw": "online"}, "diffusion": {"tracks": False}}, "both follow tracks or neither"),
        ({"gaze": {"models": {"diffusion": {"kind": "vat", "size": "world"}}}}, "name of the diffusion"),
        ({"studies": {"stills": {"dataset": "kitchen"}}}, "of people whom this one hides"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        check(changes)
    assert said in str(caught.value)
