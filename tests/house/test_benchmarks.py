"""Benchmarks call the library as it is now: nothing else would notice that they no longer run."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gcdr.priors.vqa.ofa.tokenizer import Tokenizer

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.slow
def test_loading_ends_with_a_training_step() -> None:
    few = ["--images", "70", "--people", "70", "--only", "640x480/56"]
    command = [sys.executable, str(BENCHMARKS / "loader.py"), *few]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(command, env=environment, text=True, capture_output=True)
    assert run.returncode == 0, run.stderr
    assert "cache, augmented" in run.stdout and ", compute " in run.stdout


def test_the_made_up_tokenizer_of_gradcam_is_read_again(tmp_path: Path) -> None:
    place = importlib.util.spec_from_file_location("gradcam", BENCHMARKS / "gradcam.py")
    gradcam = importlib.util.module_from_spec(place)
    place.loader.exec_module(gradcam)
    made = gradcam.random_tokenizer()
    made.save(tmp_path)
    assert Tokenizer.load(tmp_path).vocabulary == made.vocabulary
