"""People who look out of the frame: what models learn of them, and how they are scored."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from tiny_study import CPU, GAZE, MAPS, Study, make_study, pictures_of

from gcdr.base.errors import InputError
from gcdr.data.cache import Samples
from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.split import split_labels
from gcdr.data.stores import read_labels
from gcdr.evaluation import stages as scoring
from gcdr.evaluation.metrics import average_precision, average_precision_interval
from gcdr.evaluation.stages import evaluate_baselines, evaluate_model, evaluate_prior
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.named import initial_gaze_model, kind_of
from gcdr.predictor.predictor import load_gaze_model
from gcdr.report import typeset
from gcdr.report.page import Context, build_page
from gcdr.report.tables import read_metrics, table1
from gcdr.settings import learning
from gcdr.training.gaze import in_frame_loss, train_gaze_model
from gcdr.training.recipes import GazeModelSettings, Recipe
from gcdr.training.targets import Targets, heatmap_targets, join, labelled_targets

pytestmark = pytest.mark.slow

LEARNED = replace(GAZE, in_frame=0.5)
ABOUT = {"study": "a", "dataset": "world", "share": 100, "seed": 0, "kind": "teacher"} | {
    "timestep": None
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Six test people, two of whom look out of the frame; two models, one told of in and out."""
    study = make_study(tmp_path_factory.mktemp("study"))
    points = pd.read_parquet(study.annotations)
    out = points["sample_id"].unique()[[1, 4]]
    others = points[~points["sample_id"].isin(out)]
    rows = pd.DataFrame({"sample_id": out, "annotator": 0, "gaze_x": np.nan, "gaze_y": np.nan})
    write_table(pd.concat([others, rows]), study.annotations)
    labels = study.folder / "labels.parquet"
    people = read_annotated(study.manifest)
    some = people.index[people["split"] == "train"][::4]
    people.loc[some, ["gaze_x", "gaze_y", "in_frame"]] = [np.nan, np.nan, False]
    write_table(split_labels(people, 100, 0, 0), labels)
    for name, settings in (("vat", LEARNED), ("plain", GAZE)):
        folder = study.folder / name
        train_gaze_model(*pictures_of(study, labels), None, None, None, settings, 0, CPU, folder)
        about = {**ABOUT, "variant": name, "method": name}
        path = study.folder / f"{name}.json"
        evaluate_model(
            folder, study.samples, study.manifest, study.annotations, None, MAPS, about, CPU, path
        )
    return study


def test_average_precision_is_of_everybody_distances_of_those_inside(study: Study) -> None:
    tested = scoring.test_people(study.manifest, study.annotations, study.samples)
    found = json.loads((study.folder / "vat.json").read_text())
    assert (found["people"], found["out_of_frame"]) == (4, 2) and "absent" not in found
    scores = pd.read_parquet(study.folder / "vat.parquet")
    assert scores["sample_id"].tolist() == tested.ids[tested.inside].tolist()
    assert np.isfinite(scores["dist_to_mean"]).all()
    digest = people_digest(read_people(study.manifest))
    store = read_labels(study.folder / "vat.h5", digest)
    assert store.sample_id.tolist() == tested.ids.tolist()
    entry = found["metrics"]["in_frame_ap"]
    assert entry["value"] == average_precision(store.columns["in_frame"], tested.inside)
    assert 0 <= entry["low"] <= entry["value"] <= entry["high"] <= 1
    assert "in_frame_ap" in found["definitions"]


@pytest.mark.slow
def test_metric_is_absent_for_a_reason(study: Study, tmp_path: Path) -> None:
    found = json.loads((study.folder / "plain.json").read_text())
    assert "in_frame_ap" not in found["metrics"] and found["out_of_frame"] == 2
    assert "gaze.in_frame" in found["absent"]["in_frame_ap"]
    inside = make_study(tmp_path)
    about = {**ABOUT, "variant": "vat", "method": "vat"}
    paths = (inside.samples, inside.manifest, inside.annotations)
    evaluate_model(study.folder / "vat", *paths, None, MAPS, about, CPU, tmp_path / "a.json")
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["absent"]["in_frame_ap"].startswith("no test person is known to look out")
    assert (found["people"], found["out_of_frame"]) == (6, 0)


def test_maps_and_rulers_are_of_those_inside(study: Study, tmp_path: Path) -> None:
    files = (study.samples, study.manifest, study.annotations)
    evaluate_prior(study.prior, *files, MAPS, ABOUT, tmp_path / "gradcam.json")
    evaluate_baselines(*files, ABOUT, tmp_path)
    for name in ("gradcam", "centre", "human"):
        found = json.loads((tmp_path / f"{name}.json").read_text())
        assert (found["people"], found["out_of_frame"]) == (4, 2)


def test_tables_show_it_where_a_method_has_it(study: Study) -> None:
    both = table1(
        read_metrics([study.folder / f"{n}.json" for n in ("vat", "plain")]), ["vat", "plain"]
    )
    assert "In/out AP" in typeset.table1_text(both) and "In/out AP" in typeset.table1_markdown(both)
    assert "In/out AP" in build_page(Context("Title", "Summary.", "Notice.", both))
    plain = table1(read_metrics([study.folder / "plain.json"]), ["plain"])
    assert "in_frame_ap" not in plain and "In/out" not in typeset.table1_text(plain)


def test_people_outside_teach_in_and_out_alone(study: Study, tmp_path: Path) -> None:
    """Whoever looks out has no part in the heatmap: its head stays as if they were not in the batch."""
    labels = study.folder / "labels.parquet"
    samples = Samples.open(study.samples)
    told = labelled_targets(labels, samples, in_frame=True)
    assert (told.in_frame == 0).sum() == 6 and np.isnan(told.gaze[told.in_frame == 0]).all()
    card = json.loads((study.folder / "vat/model.json").read_text())
    assert card["people"] == {"labelled": 24, "out_of_frame": 6}
    assert (
        labelled_targets(labels, samples).sample_id.tolist()
        == told.sample_id[told.in_frame == 1].tolist()
    )
    pseudo = heatmap_targets(np.array([1000]), np.ones((1, 32, 32), np.float32))
    assert np.isnan(join(told, pseudo).in_frame[-1])
    table = pd.read_parquet(labels)
    inside = tmp_path / "inside.parquet"
    write_table(table[table["gaze_x"].notna()], inside)
    with pytest.raises(InputError, match="no labelled person looks out of the frame"):
        labelled_targets(inside, samples, in_frame=True)


def test_batch_of_people_outside_has_no_heatmap_loss(study: Study, tmp_path: Path) -> None:
    table = pd.read_parquet(study.folder / "labels.parquet")
    out = table.index[table["gaze_x"].isna()]
    first = table.index[table["gaze_x"].notna()][:1]
    write_table(table.loc[out.append(first)].sort_values("sample_id"), tmp_path / "l.parquet")
    settings = replace(LEARNED, recipe=Recipe(steps=7, batch=2, lr=0.01))
    train_gaze_model(
        *pictures_of(study, tmp_path / "l.parquet"),
        None,
        None,
        None,
        settings,
        0,
        CPU,
        tmp_path / "vat",
    )
    losses = pd.read_csv(tmp_path / "vat/log.csv")["loss"]
    assert np.isfinite(losses).all()


def test_loss_is_over_whom_it_is_known_of() -> None:
    logit = torch.tensor([2.0, -1.0, 5.0])
    known = torch.tensor([1.0, 0.0, torch.nan])
    expected = (np.log1p(np.exp(-2.0)) + np.log1p(np.exp(-1.0))) / 2
    assert in_frame_loss(logit, known).item() == pytest.approx(expected, rel=1e-6)
    assert in_frame_loss(logit, torch.full((3,), torch.nan)) == 0


def test_interval_holds_the_value_and_leaves_empty_draws_out() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(200) < 0.8
    scores = rng.normal(size=200) + positive
    low, high = average_precision_interval(scores, positive, np.arange(200) // 2, rng)
    assert low < average_precision(scores, positive) < high
    rare = np.array([True, False, False])
    low, high = average_precision_interval(np.arange(3.0), rare, np.arange(3), rng, 100)
    assert 0 < low <= high <= 1


def test_targets_without_in_and_out_stay_as_they_were() -> None:
    gaze = np.full((2, 2), 0.5, np.float32)
    assert (
        join(
            Targets(np.arange(2), gaze), heatmap_targets(np.arange(2, 3), np.ones((1, 4, 4)))
        ).in_frame
        is None
    )


def test_released_conditions_are_made_by_the_split_alone(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unlabelled people who look out are dropped by their hidden label; the labelled stay."""
    people = read_annotated(study.manifest)
    train = people.index[people["split"] == "train"]
    people.loc[train[::3], ["gaze_x", "gaze_y", "in_frame"]] = [np.nan, np.nan, False]
    people.loc[train[1], "in_frame"] = None
    plain = split_labels(people, 50, 0, 0)
    assert "HIDDEN" not in capsys.readouterr().out
    ours = split_labels(people, 50, 0, 0, out_of_frame="reference")
    assert "BY THEIR HIDDEN LABEL" in capsys.readouterr().out
    outside = people.set_index("sample_id")["in_frame"].eq(False).fillna(False)
    left_out = set(plain["sample_id"]) - set(ours["sample_id"])
    unlabelled = plain.loc[plain["role"] == "unlabelled", "sample_id"]
    assert left_out == {who for who in unlabelled if outside[who]} and left_out
    kept = plain[~plain["sample_id"].isin(left_out)].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours, kept)
    hidden = ours[ours["role"] == "unlabelled"]
    assert hidden[["gaze_x", "gaze_y", "in_frame"]].isna().to_numpy().all(), (
        "what stays says nothing"
    )


def test_labelled_people_outside_count_with_an_empty_map_where_asked(
    study: Study, tmp_path: Path
) -> None:
    labels, samples = study.folder / "labels.parquet", Samples.open(study.samples)
    inside, everybody = (
        labelled_targets(labels, samples),
        labelled_targets(labels, samples, empty=True),
    )
    assert len(everybody.sample_id) > len(inside.sample_id) and everybody.in_frame is None
    losses = {}
    for name, settings in (("plain", GAZE), ("released", replace(GAZE, out_of_frame=True))):
        recipe = replace(settings.recipe, steps=1, batch=len(everybody.sample_id))
        train_gaze_model(
            *pictures_of(study, labels), None, study.prior, None, replace(settings, recipe=recipe), 0, CPU,
            tmp_path / name,
        )  # fmt: skip
        card = json.loads((tmp_path / name / "model.json").read_text())
        losses[name] = card["about"]["people"] if "about" in card else card["people"]
    assert losses["released"]["labelled"] == len(everybody.sample_id)
    assert losses["plain"]["labelled"] == len(inside.sample_id)


def test_the_switch_is_the_supervised_models_alone() -> None:
    config = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
    assert not learning.gaze_training(config, 10, None, student=False).out_of_frame
    config["split"]["out_of_frame"] = "reference"
    assert learning.gaze_training(config, 10, None, student=False).out_of_frame
    assert not learning.gaze_training(config, 10, None, student=True).out_of_frame


@pytest.mark.parametrize("learned", ["all", "in_time"])
def test_the_head_may_learn_at_a_rate_of_its_own(
    study: Study, tmp_path: Path, learned: Literal["all", "in_time"]
) -> None:
    """After one step of Adam, which is as long as the rate in every weight that has a gradient."""
    recipe = replace(GAZE.recipe, steps=1, weight_decay=0.0, ema=None, learned=learned)
    moved = {}
    settings = replace(LEARNED, model=GazeModelSettings("video-vat", "world"), recipe=recipe)
    given, init = pictures_of(study, study.folder / "labels.parquet"), None
    if learned == "in_time":  # what is held comes from another training
        init, whole = tmp_path / "init", replace(recipe, learned="all")
        train_gaze_model(*given, None, None, None, replace(settings, recipe=whole), 1, CPU, init)
    for rate in (1.0, 5.0):
        start = initial_gaze_model(settings.model, False, init, 0, 0.5).state_dict()
        out = tmp_path / f"{rate}"
        train_gaze_model(
            *given, None, None, init, replace(settings, in_frame_rate=rate), 0, CPU, out
        )
        state = load_gaze_model(out).state_dict()
        moved[rate] = {n: float((value - start[n]).abs().max()) for n, value in state.items()}
    for name in ("fc_inout.weight", "fc_inout.bias", "compress_conv1_inout.weight"):
        if learned == "in_time" and name.startswith("compress"):
            assert moved[1.0][name] == moved[5.0][name] == 0
            continue
        assert moved[1.0][name] > 0
        assert moved[5.0][name] == pytest.approx(5 * moved[1.0][name], rel=1e-3)
    for name in ("deconv1.weight", "convlstm_scene.weight_ih_l0"):
        assert moved[5.0][name] == moved[1.0][name] > 0


def test_an_in_out_branch_that_nothing_started_is_not_held(study: Study, tmp_path: Path) -> None:
    """Of a VAT that learned no in or out: the head would learn on a branch of noise for good."""
    given = pictures_of(study, study.folder / "labels.parquet")
    short = replace(GAZE.recipe, steps=1)
    train_gaze_model(
        *given, None, None, None, replace(GAZE, recipe=short), 0, CPU, tmp_path / "vat"
    )
    recipe = replace(short, learned="in_time")
    settings = replace(LEARNED, model=GazeModelSettings("video-vat", "world"), recipe=recipe)
    out = tmp_path / "film"
    with pytest.raises(
        InputError, match=r"in_time would hold compress_conv1_inout.weight, .* at random"
    ):
        train_gaze_model(*given, None, None, tmp_path / "vat", settings, 0, CPU, out)
    assert not (out / "model.json").exists()
    alone = replace(settings, in_frame=None)
    train_gaze_model(*given, None, None, tmp_path / "vat", alone, 0, CPU, tmp_path / "alone")
    with pytest.raises(InputError, match=r"in_time would hold .* and .* more at random"):
        train_gaze_model(*given, None, None, None, alone, 0, CPU, out)


def test_kinds_say_how_the_parameters_of_their_head_begin() -> None:
    for name, about in GAZE_MODELS.items():
        kind = kind_of(name)
        with torch.device("meta"):
            config = kind.sizes["world" if "world" in kind.sizes else "paper"](False)
            plain = kind.build(config)
            model = kind.build(kind.with_in_frame(config))
        added = {n for n, _ in model.named_parameters()} - {n for n, _ in plain.named_parameters()}
        found = {n for n, _ in model.named_parameters() if n.startswith(about.in_frame_head or "-")}
        assert found == added, name
