"""A learning rate chosen by the loss of the training itself."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gcdr.training.loop import fit
from gcdr.training.rates import at_best_rate, last_loss
from gcdr.training.recipes import Recipe
from gcdr.training.resume import Checkpoint

RATES = (1e-4, 0.3, 3000.0)  # too small, right, too large for the problem below


class Line(nn.Module):
    """y = a x, learned from y = 3 x."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(()))

    def loss(self, step: int) -> Tensor:
        x = torch.tensor([1.0, 2.0])
        return ((self.slope * x - 3 * x) ** 2).mean() + 0 * torch.rand(())


def _recipe(lr: float | tuple[float, ...]) -> Recipe:
    return Recipe(steps=60, batch=2, lr=lr, weight_decay=0, ema=None)


def _train(folder: Path, calls: list[float], stop_at: float | None = None) -> Line:
    model = Line()
    torch.manual_seed(4)

    def one(recipe: Recipe, log: Path, checkpoint: Checkpoint) -> nn.Module:
        calls.append(recipe.rate)

        def loss(step: int) -> Tensor:
            if recipe.rate == stop_at and step == 30:
                raise KeyboardInterrupt
            return model.loss(step)

        return fit(model, loss, recipe, log, "line", checkpoint=checkpoint)

    checkpoint = Checkpoint(folder / "resume" / "state.pt", 0)
    at_best_rate(model, _recipe(RATES), folder / "log.csv", checkpoint, one)
    return model


@pytest.mark.slow
def test_the_rate_of_the_smallest_loss_in_the_end_is_kept(tmp_path: Path) -> None:
    model = _train(tmp_path, calls := [])
    assert calls == [*RATES]
    alone = Line()
    fit(alone, alone.loss, _recipe(0.3), tmp_path / "alone.csv", "line")
    assert torch.equal(model.slope, alone.slope)
    assert abs(model.slope.item() - 3) < 0.1
    assert (tmp_path / "log.csv").read_text() == (tmp_path / "alone.csv").read_text()


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_at_its_rate(tmp_path: Path) -> None:
    whole = _train(tmp_path / "whole", [])
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "stopped", [], stop_at=0.3)
    again = _train(tmp_path / "stopped", calls := [])
    assert calls == [0.3, 3000.0]
    assert torch.equal(whole.slope, again.slope)
    logs = [(tmp_path / name / "log.csv").read_text() for name in ("whole", "stopped")]
    assert logs[0] == logs[1]


def test_the_last_quarter_of_a_log_counts(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("step,loss,lr\n" + "".join(f"{n},{n},1\n" for n in range(1, 9)))
    assert last_loss(log) == 7.5
    log.write_text("step,loss,lr\n20,4,1\n")
    assert last_loss(log) == 4
