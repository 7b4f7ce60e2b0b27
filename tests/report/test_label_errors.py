"""What a report says of how far off labels are."""

import json
from pathlib import Path

import numpy as np
import pytest

from gcdr.base.errors import InputError
from gcdr.refine.reliability import Judged, judged_reliability
from gcdr.report.label_errors import label_errors_figure, label_errors_text, read_label_errors


def choice(path: Path, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    doubt, apart = rng.random(100), rng.random(100)
    error = 0.1 + 0.2 * doubt
    judged = judged_reliability(Judged(doubt, apart, error, 0.5 * error), np.arange(100))
    path.write_text(json.dumps({"chosen": {"timestep": 100, "steps": 2}, "judged": judged}))
    return path


@pytest.mark.parametrize("studies", [1, 3])
@pytest.mark.slow
def test_the_surer_half_is_named_and_drawn(tmp_path: Path, studies: int) -> None:
    paths = [choice(tmp_path / f"{seed}.json", seed) for seed in range(studies)]
    errors = read_label_errors(paths)
    assert errors is not None and errors.risk.shape == (studies, 20)
    text = label_errors_text(errors)
    assert f"{errors.risk[:, -1].mean():.3f} off" in text and "surer half" in text
    assert f"score {errors.risk[:, -1].mean() / 2:.3f} (energy score" in text
    assert errors.risk[:, 9].mean() < errors.risk[:, -1].mean()
    light, dark = (label_errors_figure(errors, dark=dark) for dark in (False, True))
    assert light.startswith(b"<?xml") and light != dark
    assert light == label_errors_figure(errors)


def test_files_that_could_not_say_it_are_left_out(tmp_path: Path) -> None:
    silent = tmp_path / "a.json"
    silent.write_text(json.dumps({"rows": [], "judged": None}))
    assert read_label_errors([silent]) is None


def test_a_study_that_tells_no_energy_score_is_left_out_of_it(tmp_path: Path) -> None:
    """That of a single draw, or of an earlier run."""
    paths = [choice(tmp_path / f"{seed}.json", seed) for seed in range(2)]
    told = read_label_errors(paths[:1])
    content = json.loads(paths[1].read_text())
    content["judged"]["energy_score"] = None
    paths[1].write_text(json.dumps(content))
    both, alone = read_label_errors(paths), read_label_errors(paths[1:])
    assert told is not None and both is not None and alone is not None
    assert (
        label_errors_text(told).split("Several")[1] == label_errors_text(both).split("Several")[1]
    )
    assert "energy score" not in label_errors_text(alone)


def test_wrong_numbers_are_named(tmp_path: Path) -> None:
    path = choice(tmp_path / "a.json", 0)
    content = json.loads(path.read_text())
    content["judged"]["risk"] = content["judged"]["risk"][:3]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"a\.json, judged, risk: expected 20 finite"):
        read_label_errors([path])
