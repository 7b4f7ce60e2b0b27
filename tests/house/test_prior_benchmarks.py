"""What is printed of priors, shares of labels and chosen timesteps is what the files of studies say."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

from gcdr.base.errors import InputError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def regret(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("regret")


@pytest.fixture
def prior_map(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("prior_map")


@pytest.fixture
def typical(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("typical")


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def scored(split: Path, variant: str, error: float) -> None:
    write(split / f"metrics/{variant}.json", {"metrics": {"dist_to_mean": {"value": error}}})


def refined_maps(
    split: Path, prior: str, chosen: int, auto: float, fixed: dict[int, float]
) -> Path:
    choice = {"chosen": {"timestep": chosen, "steps": 2}}
    write(split / f"timestep/configured+{prior}.json", choice)
    scored(split, f"diffusion-gc-gcdr-tauto-k1+{prior}", auto)
    rows = [
        {"sampler": sampler, "timestep": time, "set": which, "dist_to_mean": error + apart}
        for time, error in fixed.items()
        for sampler, which, apart in (
            ("reference", "test", 0),
            ("reference", "val", -0.1),
            ("consistent", "test", -0.1),
        )
    ]
    share = int(split.name.removeprefix("labels").split("-")[0])
    write(split / f"sweep+{prior}.json", {"sampler": "reference", "share": share, "rows": rows})
    return split


def test_regret_is_told_by_share_and_prior_and_beside_the_best_constant(
    tmp_path: Path, regret: ModuleType
) -> None:
    good = refined_maps(tmp_path / "a/labels10-seed1", "good", 50, 0.10, {50: 0.10, 300: 0.12})
    refined_maps(good, "bad", 300, 0.20, {50: 0.30, 300: 0.20})
    refined_maps(tmp_path / "a/labels5-seed1", "bad", 50, 0.30, {50: 0.30, 300: 0.24})
    lines = regret.report([good, tmp_path / "a/labels5-seed1"])
    assert len([line for line in lines if " %  " in line]) == 3
    assert len([line for line in lines if line.startswith("a/labels")]) == 3
    (few,) = [line for line in lines if line.startswith("  5 %  bad")]
    assert few.split()[-8:] == ["1", "25.0%", "25.0%", "0.0%", "0.0%", "(t", "=", "300)"]
    (every,) = [line for line in lines if line.startswith("all")]
    # t = 300 costs 20 %, 0 and 0; auto costs 0, 0 and 25 %.
    assert every.split()[1:5] == ["3", "8.3%", "25.0%", "6.7%"]


def test_a_prior_without_its_files_is_named_and_left_out(
    tmp_path: Path, regret: ModuleType
) -> None:
    split = refined_maps(tmp_path / "a/labels10-seed1", "good", 50, 0.1, {50: 0.1})
    refined_maps(split, "late", 50, 0.1, {50: 0.1})
    (split / "sweep+late.json").unlink()
    assert any("late, without sweep+late.json" in line for line in regret.report([split]))
    (split / "sweep+good.json").unlink()
    with pytest.raises(InputError, match="no prior with all its files"):
        regret.report([split])


def test_sweeps_of_other_timesteps_are_refused(tmp_path: Path, regret: ModuleType) -> None:
    split = refined_maps(tmp_path / "a/labels10-seed1", "good", 50, 0.1, {50: 0.1})
    refined_maps(split, "other", 50, 0.1, {100: 0.1})
    with pytest.raises(InputError, match=r"expected the same in all"):
        regret.report([split])


def test_where_refinement_pays_is_said(tmp_path: Path, prior_map: ModuleType) -> None:
    folders = [tmp_path / f"map-{world}/labels10-seed{world}" for world in (1, 2)]
    for folder, more in zip(folders, (0.0, 0.01), strict=True):
        scored(folder, "vat+vat", 0.18 + more)
        scored(folder, "gradcam+near", 0.08 + more)
        scored(folder, "argmax+near+vat", 0.13 + more)
        scored(folder, "gcdr-tauto-k1+near+vat", 0.14 + more)
        scored(folder, "gradcam+far", 0.25 + more)
        scored(folder, "argmax+far+vat", 0.17 + more)
        scored(folder, "gcdr-tauto-k1+far+vat", 0.15 + more)
    refined_maps(folders[0], "far", 100, 0.14, {50: 0.15, 100: 0.13})
    worlds = prior_map.read_worlds(folders)
    near, far = prior_map.students(worlds)[2:4]
    assert near.startswith("| 10 % | near | 0.085 (0.080 0.090) | – | 0.135 (0.130 0.140) |")
    assert near.endswith("| – – | of their peaks (argmax), 2 of 2 |")
    assert far.endswith("| 100 – | of refined maps (GCDR, auto), 2 of 2 |")
    said = prior_map.students(worlds)[-1]
    assert "in 2 of 4" in said and "near in 0 of 2 (by -0.010" in said and "far in 2 of 2" in said
    assert prior_map.maps(worlds)[-1] == (
        "| 10 % | far | 0.255 (0.250 0.260) | 0.140 (0.140 –) | 0.130 (0.130 –) | 100 – |"
    )


def test_a_folder_that_is_no_split_is_named(tmp_path: Path, prior_map: ModuleType) -> None:
    with pytest.raises(InputError, match="expected a folder of a split"):
        prior_map.read_worlds([tmp_path])


def test_of_several_worlds_one_share_is_taken(typical: ModuleType, tmp_path: Path) -> None:
    """The configured one: tables of other shares lie in the same folders."""
    config = {
        "report": {"studies": ["a", "b"]},
        "studies": {"a": {"seed": 1}, "b": {"seed": 2, "share": 20}},
        "split": {"share": 10, "unlabelled": None},
    }
    for split in ("a/labels10-seed1", "a/labels100-seed1", "a/labels10-part50-seed1"):
        scored(tmp_path / split, "vat+vat", 0.1)
    for split in ("b/labels10-seed2", "b/labels20-seed2", "b/labels20-seed1"):
        scored(tmp_path / split, "vat+vat", 0.1)
    found = [str(path.relative_to(tmp_path)) for path in typical.metrics_of(tmp_path, config)]
    assert found == [
        "a/labels10-seed1/metrics/vat+vat.json",
        "b/labels20-seed2/metrics/vat+vat.json",
    ]
