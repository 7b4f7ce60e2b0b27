"""Batches that are made while the one before is used, and losses that are looked at late."""

import threading

import pytest
import torch

from gcdr.base.errors import InputError
from gcdr.training.ahead import ahead
from gcdr.training.loop import _finite_losses


def test_next_value_is_made_while_this_one_is_used() -> None:
    made, second = [], threading.Event()

    def make(step: int) -> int:
        made.append(step)
        if step == 1:
            second.set()
        return 10 * step

    value = ahead(make)
    assert value(0) == 0 and second.wait(60)
    assert [value(1), value(2)] == [10, 20] and made[:3] == [0, 1, 2]
    assert value(7) == 70, "a run that goes on begins anywhere"


def test_a_step_that_cannot_be_made_fails_when_its_turn_comes() -> None:
    def make(step: int) -> int:
        if step == 2:
            raise InputError("row 2: damaged")
        return step

    value = ahead(make)
    assert [value(0), value(1)] == [0, 1]
    with pytest.raises(InputError, match="row 2: damaged"):
        value(2)


def test_a_loss_looked_at_late_is_named_with_its_own_step() -> None:
    losses = [torch.tensor(value) for value in (0.5, float("inf"), float("nan"))]
    assert _finite_losses(losses[:1], 4, "line") == [0.5]
    with pytest.raises(InputError, match="line: the loss is inf at step 9"):
        _finite_losses(losses, 9, "line")
