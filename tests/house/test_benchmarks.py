"""Benchmarks call the library as it is now: nothing else would notice that they no longer run."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from warm import warm_python

from gcdr.priors.vqa.ofa.tokenizer import Tokenizer

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def said(script: str, *few: str) -> str:
    """What a benchmark prints."""
    command = [warm_python(), str(BENCHMARKS / script), *few]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, env=environment, text=True, capture_output=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.slow
def test_loading_ends_with_a_training_step() -> None:
    printed = said("loader.py", "--images", "70", "--people", "70", "--only", "640x480/56")
    assert "cache, augmented" in printed and ", compute " in printed


@pytest.mark.slow
def test_a_film_is_timed_and_its_memory_drawn() -> None:
    printed = said("video.py", "--frames", "2", "--rounds", "1", "--long", "20")
    assert "ours, chunks of 16" in printed and "ours: packed" in printed
    assert printed.count(" MiB, peak") == 10


@pytest.mark.slow
def test_further_people_are_timed() -> None:
    printed = said("further_people.py", "--size", "world", "--people", "2", "--rounds", "1")
    assert "CPU: the first person" in printed and "each of 1 further ones" in printed


@pytest.mark.slow
def test_all_that_a_gpu_is_asked_runs() -> None:
    printed = said("gpu.py", "--device", "cpu", "--small")
    rows = [line for line in printed.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == 24 and "no part failed" in printed
    assert sum(" ≥ 300 people / s " in row for row in rows) == 1
    assert sum(" ≥ 2 x plain: " in row for row in rows) == 1
    assert sum(" loading ≤ 5% of it: " in row for row in rows) == 2
    lines = printed.splitlines()
    first = lines.index(rows[0])
    assert lines[first : first + len(rows)] == rows, "nothing cuts the table"
    assert re.search(r"^  faster: [\d.]+ # measured, of (?:[\d.]+(?:, )?){3}$", printed, re.M)
    assert re.search(r"^  mb: \d+ # measured$", printed, re.M)


@pytest.mark.slow
def test_one_pass_says_what_several_say() -> None:
    rows = said("one_pass.py", "--rounds", "1").splitlines()
    assert len(rows) == 6 and sum("one pass" in row for row in rows) == 2
    assert all(float(row.split()[-1]) < 1e-4 for row in rows)


def test_shows_are_counted_alike_and_compared_one_by_one(tmp_path: Path) -> None:
    """Two shows by two seeds: means over shows, spread over seeds, and in how many the last one is nearer."""
    folders = []
    for show, seed, far, near in (
        ("a", 1, 0.2, 0.1),
        ("b", 1, 0.4, 0.3),
        ("a", 2, 0.2, 0.3),
        ("b", 2, 0.4, 0.3),
    ):
        folders.append(tmp_path / f"{show}-{seed}/labelschosen-seed{seed}")
        for method, distance in (("vat", far), ("gcdr", near)):
            found = {"dist_to_mean": {"value": distance}, "auc_video": {"value": 1 - distance}}
            path = folders[-1] / f"metrics/{method}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"metrics": found}))
    first, second, _, _, last = said(
        "shows.py", *map(str, folders), "--methods", "vat", "gcdr"
    ).splitlines()
    assert first.split() == ["vat", "0.300", "±0.000", "0.700", "±0.000"]
    assert second.split() == ["gcdr", "0.250", "±0.071", "0.750", "±0.071"]
    assert "by -0.050, nearer in 3 of 4 (p = 0.625), AUC +0.050, higher in 3 (p = 0.625)" in last


def test_the_made_up_tokenizer_of_gradcam_is_read_again(tmp_path: Path) -> None:
    place = importlib.util.spec_from_file_location("gradcam", BENCHMARKS / "gradcam.py")
    gradcam = importlib.util.module_from_spec(place)
    place.loader.exec_module(gradcam)
    made = gradcam.random_tokenizer()
    made.save(tmp_path)
    assert Tokenizer.load(tmp_path).vocabulary == made.vocabulary
