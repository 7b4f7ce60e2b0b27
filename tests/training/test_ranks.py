"""Several processes train what one trains; which process is which, and what is too many."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import trained_by_ranks
from torch import Tensor, nn
from trained_by_ranks import AT, prepare, trainings
from warm import warm_python

from gcdr.base.tensors import read_tensors
from gcdr.training.ranks import ALONE, Ranks, first_node, ranks_of

CLOSE = 1e-5


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranks")
    prepare(folder)
    path = os.pathsep.join(sys.path)
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [warm_python(), trained_by_ranks.__file__, str(folder)]
    subprocess.run(command, check=True, env=environment)
    return folder


def furthest(one: Tensor, two: Tensor) -> float:
    """The largest difference of two tensors' values; of values above 1 in parts of them."""
    one, two = one.double(), two.double()
    return ((one - two).abs() / one.abs().clamp_min(1)).max().item()


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_training_and_it_goes_on(trained: Path) -> None:
    logs = {name: (trained / name).read_text() for name in ("one.log", "two.0")}
    assert (trained / "ended.txt").read_text() == "[0] [1, -9] [0, 0]", logs
    assert f"going on after step {AT - 1}" in logs["two.0"]
    assert "going on" not in (trained / "two.1").read_text(), "the first process speaks for all"
    assert not list((trained / "two").glob(".*")), "no state is left"


@pytest.mark.slow
@pytest.mark.parametrize("name", trainings(Path()))
def test_two_processes_train_what_one_trains(trained: Path, name: str) -> None:
    one, two = (
        read_tensors(trained / place / name / "model.safetensors") for place in ("one", "two")
    )
    apart = {key: furthest(one[key], two[key]) for key in one}
    assert max(apart.values()) < CLOSE, sorted(apart.items(), key=lambda item: -item[1])[:5]
    first = torch.load(trained / f"{name}.first", weights_only=True)
    learned = [key for key in one if key in first and "running" not in key and "num_" not in key]
    moved = [furthest(one[key], first[key]) for key in learned]
    assert max(moved) > 10 * CLOSE
    logs = [
        np.genfromtxt(trained / place / name / "log.csv", delimiter=",") for place in ("one", "two")
    ]
    np.testing.assert_allclose(*logs, rtol=1e-4)


def test_the_launchers_variables_say_which_process_this_is() -> None:
    by_torch = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
    place = {"MASTER_ADDR": "gpu1", "MASTER_PORT": "29400"}
    assert ranks_of(by_torch | place) == Ranks(3, 4, 1, 2, "gpu1", 29400)
    assert ranks_of({}) == ALONE and ALONE.first and not Ranks(1, 2).first


def test_slurm_says_it_of_a_step_and_not_of_a_job() -> None:
    job = {
        "SLURM_NTASKS": "2",
        "SLURM_PROCID": "0",
        "SLURM_LOCALID": "0",
        "SLURM_JOB_ID": "1234567",
    }
    assert ranks_of(job) == ALONE, "the batch script of a job of two tasks runs once"
    step = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NODELIST": "gpu[03-04]", "SLURM_PROCID": "1"}
    assert ranks_of(job | step) == Ranks(1, 2, 0, 1, "gpu03", 24567)
    assert ranks_of(job | step | {"RANK": "0", "WORLD_SIZE": "1"}).count == 1, "torchrun in a step"


@pytest.mark.parametrize(
    ("nodes", "first"),
    [("gpu7", "gpu7"), ("gpu[03-05,08],cpu1", "gpu03"), ("a1,a2", "a1"), ("n[1,3]-ib", "n1-ib")],
)
def test_processes_meet_on_the_first_node(nodes: str, first: str) -> None:
    assert first_node(nodes) == first


@pytest.mark.parametrize("clip", [None, [0, 0, 1, 2, 2, 2, 3]])
def test_shares_are_of_everybody_once_and_clips_stay_whole(clip: list[int] | None) -> None:
    clips = None if clip is None else np.array(clip)
    shares = [Ranks(rank, 3).rows(7, clips) for rank in range(3)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(7))
    if clips is not None:
        assert all(set(clips[one]).isdisjoint(clips[two]) for one, two in pairwise(shares))
    assert ALONE.rows(7, clips) is None


def test_alone_nothing_is_added_up() -> None:
    weight = nn.Parameter(torch.ones(2))
    weight.grad = torch.ones(2)
    ALONE.add_gradients([weight])
    ALONE.check_alike(3)
    assert weight.grad.tolist() == [1, 1]
