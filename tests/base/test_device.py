"""How many cores a process computes on."""

import pytest
import torch

from gcdr.base.device import pick_device


@pytest.mark.parametrize(
    ("told", "alone", "threads"),
    [(None, False, 1), (None, True, 3), ("2", False, 2), ("2", True, 2)],
)
def test_what_a_person_types_takes_all_cores_and_a_job_one(
    monkeypatch: pytest.MonkeyPatch, told: str | None, alone: bool, threads: int
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if told:
        monkeypatch.setenv("OMP_NUM_THREADS", told)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        pick_device("cpu", alone=alone)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
