"""Files of models are looked for where what is asked for trains them, and nowhere else."""

import copy
from pathlib import Path

import pytest
import yaml

from gcdr.base.errors import InputError
from gcdr.config.checked import check_values, lay_over, read_config
from gcdr.config.deciding import weights_used
from gcdr.config.generated import read_schema

ROOT = Path(__file__).parents[2]
SMOKE = read_config([ROOT / "config.yaml", ROOT / "configs/smoke.yaml"])
SCHEMA = read_schema(ROOT / "workflow/schemas/config.schema.yaml")
NOWHERE = """
gaze: {models: {vat: {init: no/vat}, other: {kind: vat, size: world, init: no/other}}}
diffusion: {init: no/towers}
"""
VAT, OTHER, TOWERS = "gaze.models.vat.init", "gaze.models.other.init", "diffusion.init"
EARLIER = (
    "studies: {{earlier: {{dataset: smoke, seed: 1}}, smoke: {{{}}}}}\nreport: {{methods: [vat]}}"
)
NOTHING = "report: {studies: []}"
OWN = """
datasets: {own: {kind: folder, images: configs}}
studies: {own: {dataset: own, seed: 0, teacher: smoke}}
heads: {weights: no/heads.pt}
"""


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def changed(*overlays: str) -> dict:
    config = copy.deepcopy(SMOKE)
    for overlay in overlays:
        lay_over(config, yaml.safe_load(overlay))
    return config


def lacking(*overlays: str) -> list[str]:
    """Keys whose files the smoke configuration with overlays lacks."""
    try:
        check_values(changed(*overlays), SCHEMA)
    except InputError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]]
        assert all("no file" in line for line in lines), lines
        return sorted(line.split(":")[0] for line in lines)
    return []


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ("report: {methods: [vat]}", [VAT]),
        ("report: {methods: [vat-mt, semi-vat]}", [VAT]),
        ("report: {methods: [raw]}", [VAT]),
        ("report: {methods: [{method: vat, gaze: other}]}", [OTHER]),
        ("report: {methods: [{method: semi-vat-gc, gaze: other}]}\n"
         "gaze: {models: {other: {labeller: vat}}}", [VAT, OTHER]),
        ("report: {methods: [vat, gcdr]}", [TOWERS, VAT]),
        ("report: {methods: [no-gradcam]}", [TOWERS, VAT]),
        ("report: {methods: [direct-mapping]}", [TOWERS, VAT]),
        ("report: {methods: [direct-mapping]}\ndiffusion: {init: other}", [OTHER, VAT]),
        ("report: {methods: [vat]}\ndiffusion: {init: other}", [VAT]),
        ("report: {methods: [vat], student_timesteps: [100]}", [TOWERS, VAT]),
        (EARLIER.format("init: {study: earlier, model: vat}"), [VAT]),
        (EARLIER.format("init: {study: earlier, model: gcdr}"), [TOWERS, VAT]),
        (EARLIER.format("init: {vat: {study: earlier, model: vat, gaze: other}}"), [OTHER, VAT]),
        (EARLIER.format("pretrained: {vat: {study: earlier, model: vat}}"), [VAT]),
        (NOTHING, [TOWERS, OTHER, VAT]),
    ],
)  # fmt: skip
def test_first_weights_are_looked_for_where_something_starts_from_them(
    asked: str, keys: list[str]
) -> None:
    assert lacking(NOWHERE, asked) == sorted(keys)
    recorded = {key for key in weights_used(changed(NOWHERE, asked)) if key.endswith(".init")}
    assert asked == NOTHING or recorded == set(keys)


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ("galleries: []", []),
        ("galleries: [own]", ["heads.weights"]),
        ("report: {studies: []}", ["heads.weights"]),
    ],
)
def test_a_detector_of_heads_is_looked_for_where_heads_are_to_be_found(
    asked: str, keys: list[str]
) -> None:
    found = lacking(OWN, "datasets: {own: {drawn: true}}", asked)
    assert [key for key in found if key.startswith("heads")] == keys


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ("studies: {smoke: {prior: away}}", ["priors.away.weights"]),
        ("report: {methods: [vat, {method: gcdr, prior: away}]}", ["priors.away.weights"]),
        ("prior: away\nstudies: {smoke: {prior: ofa-world}}", []),
        ("prior: away", ["priors.away.weights"]),
        ("prior: away\nreport: {studies: []}", ["priors.away.weights"]),
        ("report: {methods: [vat]}", []),
        # The raw maps are a row of every table, whatever its methods are.
        ("prior: away\nreport: {methods: [vat]}", ["priors.away.weights"]),
    ],
)
def test_a_vqa_model_is_looked_for_where_its_maps_are_shown(asked: str, keys: list[str]) -> None:
    away = yaml.safe_dump(
        {"priors": {"away": SMOKE["priors"]["ofa-world"] | {"weights": "no/vqa"}}}
    )
    assert lacking(away, asked) == keys
