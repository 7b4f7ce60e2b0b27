"""What a gaze model does with unlabelled people while it learns: four strategies beside Mean Teacher."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_study import CPU, GAZE, Study, make_study, pictures_of
from torch import Tensor

from gcdr.data.heatmaps import gaussians
from gcdr.data.manifest import read_annotated, write_table
from gcdr.data.split import split_labels
from gcdr.data.views import plain_view, random_view, strong_view, view_images, weak_view
from gcdr.models.interface import GazeInputs, GazeOutput
from gcdr.models.named import initial_gaze_model
from gcdr.refine.trust import blind_share, peak_share
from gcdr.training import consistency
from gcdr.training.batches import Batch
from gcdr.training.recipes import GazeConsistency, OneModel, Recipe
from gcdr.training.resume import INTERVAL
from gcdr.training.strategies import (
    EarlierPredictions,
    Ensemble,
    Limit,
    Pair,
    Seen,
    Strategy,
    SureOnes,
    Trainee,
    TwoViews,
    consistency_loss,
)

STRATEGIES = ("pi-model", "temporal-ensembling", "fixmatch", "freematch")
HELD = OneModel(20.0, 2, ramp_up=0, strategy="fixmatch", threshold=0.2)
RECIPE = Recipe(steps=4, batch=11, lr=0.01)  # nine places for ten of the unlabelled: three passes
PEOPLE = np.arange(10, 14)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = make_study(tmp_path_factory.mktemp("study"), train=16, test=2)
    labels = split_labels(read_annotated(study.manifest), 40, 0.2, 0)
    write_table(labels, study.folder / "labels.parquet")
    return study


def train(study: Study, out: Path, **changes: object) -> bytes:
    """The weights of a model that learned from labels and pictures."""
    made = GazeConsistency(GAZE.model, RECIPE, replace(HELD, **changes), GAZE.sigma)
    given = pictures_of(study, study.folder / "labels.parquet")
    consistency.train_consistency_model(*given, None, made, 0, CPU, out)
    return (out / "model.safetensors").read_bytes()


def batch_of(flip: list[bool], labelled: list[bool]) -> Batch:
    """People of whom nothing is looked at but the flip, and who has a label."""
    inputs = GazeInputs(image_of=torch.arange(len(flip)), head_box=torch.zeros(len(flip), 4))
    known = torch.tensor(labelled)
    return Batch(inputs, None, torch.zeros(len(flip), 32, 32), known, flip=torch.tensor(flip))


def trainee(*predicted: Tensor) -> Trainee:
    """A training whose model says what is listed, one after the other."""
    rest = iter(predicted)
    model = initial_gaze_model(GAZE.model, False, None, 0)

    def say(model: object, batch: Batch, step: int) -> GazeOutput:
        return GazeOutput(heatmap=next(rest))

    return Trainee(model, Pair(say, say), RECIPE, 3.0, PEOPLE, 2.0, CPU)


def term(strategy: Strategy, step: int, predicted: Tensor, *batches: Batch) -> Tensor:
    """What a strategy adds to the loss of a step about ``PEOPLE``."""
    return strategy.loss(Seen(step, PEOPLE, list(batches), GazeOutput(heatmap=predicted)))


def test_average_of_earlier_maps_is_the_closed_form_without_its_start() -> None:
    ensemble, decay = Ensemble(5, 8, 0.6, CPU), 0.6
    room, maps = ensemble.maps.nbytes, torch.rand(4, 2, 8, 8)
    rows = torch.tensor([3, 1])
    for one in maps:
        ensemble.add(rows, one)
    average, known = ensemble.average(torch.tensor([3, 0, 1]))
    weights = (1 - decay) * decay ** torch.arange(3, -1, -1) / (1 - decay**4)
    expected = (weights[:, None, None, None] * maps).sum(0)
    assert weights.sum() == pytest.approx(1)
    assert torch.allclose(average[[0, 2]], expected, atol=2e-3), "half precision"
    assert known.tolist() == [True, False, True] and not average[1].any()
    assert ensemble.maps.nbytes == room == 5 * 8 * 8 * 2


def test_earlier_maps_are_remembered_as_the_picture_is_and_seen_as_the_view_is() -> None:
    first, second = torch.rand(2, 4, 32, 32)
    strategy = EarlierPredictions(trainee(), replace(HELD, strategy="temporal-ensembling"))
    assert term(strategy, 0, first, batch_of([True] * 4, [False] * 4)) == pytest.approx(0, abs=1e-5)
    found = term(strategy, 1, second, batch_of([False] * 4, [False] * 4))
    expected = 20 * consistency_loss(second, first.flip(-1), "kl")
    assert found.item() == pytest.approx(expected.item(), rel=1e-2)
    assert found > 100 * abs(consistency_loss(second, second, "kl"))


def test_who_has_a_label_or_is_there_twice_is_remembered_once_or_not() -> None:
    strategy = EarlierPredictions(trainee(), replace(HELD, strategy="temporal-ensembling"))
    ids = np.array([3, 12, 10, 12])  # 3 has a label
    seen = Seen(
        0,
        ids,
        [batch_of([False] * 4, [True, *[False] * 3])],
        GazeOutput(heatmap=torch.rand(4, 32, 32)),
    )
    strategy.loss(seen)
    assert strategy.ensemble.count.tolist() == [1, 0, 1, 0]
    assert torch.equal(
        strategy.ensemble.maps[2].float(), (0.4 * seen.predicted.heatmap[1]).half().float()
    )


def test_a_pi_model_is_one_network_whose_two_answers_learn() -> None:
    again = torch.rand(4, 32, 32, requires_grad=True)
    strategy = TwoViews(trainee(again), replace(HELD, strategy="pi-model"))
    predicted = torch.rand(4, 32, 32, requires_grad=True)
    views = batch_of([False] * 4, [False] * 4), batch_of([False] * 4, [False] * 4)
    found = term(strategy, 0, predicted, *views)
    assert found.item() == pytest.approx(20 * consistency_loss(predicted, again, "kl").item())
    found.backward()
    assert predicted.grad.any() and again.grad.any()
    assert strategy.average is None and not strategy.memory()


def test_where_the_model_is_sure_its_place_is_a_label_for_the_changed_view() -> None:
    places = torch.tensor([[0.3, 0.6], [0.5, 0.5], [0.8, 0.2], [0.1, 0.9]])
    easy = gaussians(places, 32, 3.0)
    easy[2] = gaussians(places[2:3], 32, 9.0)[0]
    strategy = SureOnes(trainee(easy), replace(HELD, threshold=0.5))
    predicted = torch.rand(4, 32, 32, requires_grad=True)
    views = [batch_of([False] * 4, [True, False, False, False]) for _ in strategy.views]
    found = term(strategy, 0, predicted, *views)
    rows = [1, 3]  # 0 has a label, 2 is not sure
    expected = ((predicted[rows] - gaussians(places[rows], 32, 3.0)) ** 2).mean((1, 2)).sum() / 3
    assert found.item() == pytest.approx(expected.item(), rel=0.05), "points are cells' centres"
    found.backward()
    assert not predicted.grad[[0, 2]].any() and predicted.grad[rows].any()
    assert "took 2 of 3 predictions (67%)" in strategy.outcome()


@pytest.mark.parametrize(("share", "taken"), [(1.0, 0), (0.0, 3)])
def test_a_limit_of_one_takes_nothing_and_of_zero_everything(share: float, taken: int) -> None:
    limit = Limit(share, None, CPU)
    assert limit.passed(torch.tensor([0.01, 0.5, 1.0])).sum() == taken
    assert limit.share == share


def test_freematchs_limit_follows_the_confidence() -> None:
    blind = blind_share(32, 3.0)
    strategy = SureOnes(trainee(), replace(HELD, strategy="freematch", threshold_decay=0.5))
    limit, heights = strategy.limit, []
    assert limit.share == pytest.approx(blind) and 0.1 < blind < 0.12
    for confidence in (0.2, 0.4, 0.6, 0.3):
        limit.passed(torch.full((4,), confidence))
        heights.append(limit.share.item())
    assert heights[:3] == sorted(heights[:3]) and heights[0] > blind and heights[3] < heights[2]
    assert heights[0] == pytest.approx((blind + 0.2) / 2)
    assert limit.taken == 4 * 3, "all but those below the running mean"


def test_a_map_is_as_sure_as_the_labels_that_it_is_the_mean_of_are_close() -> None:
    generator = torch.Generator().manual_seed(0)
    for spread in (0.0, 1.0, 2.0):
        labels = 0.5 + spread * 3 / 64 * torch.randn(4000, 2, generator=generator)
        mean = gaussians(labels, 64, 3.0).mean(0, keepdim=True)
        share = peak_share(0.1 * mean, 3.0)  # whatever its height
        assert share.item() == pytest.approx(2 / (2 + spread**2), abs=0.03)
    corner = gaussians(torch.tensor([[0.02, 0.5]]), 64, 3.0)
    assert peak_share(corner, 3.0).item() == pytest.approx(1, abs=0.02)
    assert peak_share(-torch.ones(1, 64, 64), 3.0).item() == 0
    flat = torch.ones(1, 64, 64)
    flat[0, 32, 32] += 1e-3
    assert peak_share(flat, 3.0).item() == pytest.approx(blind_share(64, 3.0), rel=0.01)


def test_weak_and_strong_views_share_the_geometry() -> None:
    rng = torch.Generator().manual_seed(0)
    box = torch.tensor([[0.2, 0.2, 0.4, 0.4]]).repeat(40, 1)
    gaze = torch.full((40, 2), torch.nan)
    gaze[:20] = 0.7
    view = random_view(box, gaze, rng)
    weak, strong = weak_view(view), strong_view(view, torch.isnan(gaze).any(1), rng)
    for other in (weak, strong):
        assert torch.equal(other.window, view.window) and torch.equal(other.flip, view.flip)
    assert torch.equal(weak.colour, torch.ones(40, 3)) and weak.padding.unique().numel() == 1
    assert torch.equal(strong.colour[:20], view.colour[:20]) and not strong.hidden[:20].any()
    assert (strong.colour[20:] != 1).any(1).all(), "no coin leaves anybody as they are"
    side = strong.hidden[20:, 2] - strong.hidden[20:, 0]
    assert side.min() >= 0 and 0.3 < side.max() <= 0.5
    picture = torch.rand(40, 3, 56, 56)
    shown, _ = view_images(picture, replace(plain_view(40, CPU), hidden=strong.hidden))
    whole, _ = view_images(picture, plain_view(40, CPU))
    covered = (shown == 0).all(1)
    assert torch.equal(shown[:20], whole[:20]) and covered[20:].any()
    assert torch.equal(
        shown[~covered[:, None].expand_as(shown)], whole[~covered[:, None].expand_as(shown)]
    )


def test_each_strategy_is_a_training_of_its_own(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {name: train(study, tmp_path / name, strategy=name) for name in STRATEGIES}
    made["none"] = train(study, tmp_path / "none", strategy="fixmatch", pseudo_weight=0.0)
    assert len(set(made.values())) == len(made)
    assert train(study, tmp_path / "one", strategy="fixmatch", threshold=1.0) == made["none"]
    assert "took 0 of 36 predictions (0%)" in capsys.readouterr().out


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_stopped_training_goes_on_to_the_same_bits(
    study: Study,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    strategy: str,
) -> None:
    """What was predicted before, and the running confidence, are part of the state."""
    how = {"strategy": strategy, "threshold_decay": 0.5}
    whole = train(study, tmp_path / "whole", **how)

    def stop(step: int, *given: object) -> Seen:
        if step == 2:
            raise KeyboardInterrupt
        return Seen(step, *given)

    with monkeypatch.context() as changed, pytest.raises(KeyboardInterrupt):
        changed.setenv(INTERVAL, "0")
        changed.setattr(consistency, "Seen", stop)
        train(study, tmp_path / "again", **how)
    assert not (tmp_path / "again/model.safetensors").exists()
    assert train(study, tmp_path / "again", **how) == whole
    assert "going on after step 2" in capsys.readouterr().out
    logs = [(tmp_path / name / "log.csv").read_text() for name in ("whole", "again")]
    assert logs[0] == logs[1]
