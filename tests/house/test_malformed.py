"""Every reader meets every kind of malformed file with one line."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
STAGES = (
    "prior store", "merged store", "label store", "picture cache", "manifest", "split", "annotations",
    "bodies", "weights", "pickle", "checkpoint", "weights, before a job", "checkpoint, before a job",
    "points, before a job", "store as a prior, before a job", "larger pictures", "token cache",
    "names of people", "names in a text tower's space", "vocabulary", "vocabulary, a text", "depth",
    "another lab's result", "GazeFollow with names", "GazeFollow with names, test", "GazeHOI", "ChildPlay",
    "GOO-Real", "film", "heads in a film",
)  # fmt: skip
SEEDS = 4  # flipped bits that are tried here; the script tries more


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("malformed")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.slow
def test_malformed_files_end_in_one_line(script: ModuleType, stage: str) -> None:
    kinds = [
        kind
        for kind in script.STAGES[stage].kinds
        if "flip" not in kind or int(kind.split()[-1]) < SEEDS
    ]
    found = dict(script.outcomes(script.STAGES[stage], kinds))
    wrong = {
        kind: said
        for kind, said in found.items()
        if said != "line" and not (said == "same" and "flip" in kind)
    }
    assert not wrong
    assert set(script.STAGES) == set(STAGES)
