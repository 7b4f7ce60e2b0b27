"""The stage that asks: overlays, shards, resuming, bad pictures, short memory, and Table S7."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from tiny_study import ASK, BOXED, CPU, Study, make_study, make_vqa
from torch.nn import BatchNorm2d

from gcdr.base.errors import InputError
from gcdr.data.manifest import people_digest, read_people, write_table
from gcdr.data.prior_maps import prior_maps
from gcdr.data.prior_shards import concatenate_priors, merge_priors
from gcdr.data.stores import Store, read_prior
from gcdr.evaluation.stages import evaluate_prior
from gcdr.priors.inquiry import questions
from gcdr.priors.kinds.vqa_kind import AskSettings
from gcdr.priors.vqa import asking as prior
from gcdr.priors.vqa.ofa.resnet import ResNet
from gcdr.priors.vqa.ofa_vqa import OFAForVQA
from gcdr.refine.options import MapSettings
from gcdr.report.table_s7 import score_overlays, table_s7_markdown


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_vqa(tmp_path_factory.mktemp("vqa"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = make_study(tmp_path_factory.mktemp("study"), train=14, test=3)
    people = read_people(study.manifest)
    bodies = people[["sample_id"]].assign(
        body_x0=5.0, body_y0=5.0, body_x1=40.0, body_y1=60.0, score=1.0,
        detected=np.arange(len(people)) % 3 > 0,
    )  # fmt: skip
    write_table(bodies, study.folder / "bodies.parquet")
    return study


def told(**changes: Any) -> AskSettings:
    return AskSettings.from_json(ASK | changes)


class Stage:
    """Runs the stage on a study and reads what it wrote."""

    def __init__(self, study: Study, weights: Path, folder: Path) -> None:
        self.study, self.weights, self.folder = study, weights, folder
        self.bodies, self.images = study.folder / "bodies.parquet", study.folder / "images"

    def ask(self, shard: int = 1, shards: int = 1, failures: float = 0.0, **changes: Any) -> Path:
        out = self.folder / f"prior/{shard}-of-{shards}.h5"
        prior.ask_people(
            self.study.manifest, self.images, self.bodies, self.weights, told(**changes),
            shard, shards, 2, failures, CPU, out,
        )  # fmt: skip
        return out

    def read(self, path: Path, ids: np.ndarray | None = None) -> Store:
        people = read_people(self.study.manifest)
        ids = people["sample_id"].to_numpy() if ids is None else ids
        return read_prior(path, people_digest(people), ids)


@pytest.fixture
def stage(drawn: Study, weights: Path, tmp_path: Path) -> Stage:
    return Stage(drawn, weights, tmp_path)


@pytest.mark.slow
def test_shards_never_change_a_bit(drawn: Study, weights: Path, tmp_path: Path) -> None:
    merged = {}
    for count in (1, 3, 8):
        stage = Stage(drawn, weights, tmp_path / str(count))
        shards = [stage.ask(number, count) for number in range(1, count + 1)]
        merge_priors(shards, stage.folder / "prior.h5")
        merged[count] = stage.read(stage.folder / "prior.h5")
        assert not list(stage.folder.rglob(".*"))
    for count in (3, 8):
        assert (merged[count].heatmap == merged[1].heatmap).all()
        assert (merged[count].columns["answer"] == merged[1].columns["answer"]).all()
    assert merged[1].heatmap.shape == (len(read_people(drawn.manifest)), 2, 8, 8)
    assert merged[1].valid.all() and (merged[1].columns["batch"] > 0).all()
    assert merged[1].attributes["made_by"]["tagger"] == "rules"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Sizes of the batches that the model is asked."""
    sizes: list[int] = []
    explain = OFAForVQA.explain

    def watched(self, images, questions, layers):
        sizes.append(len(images))
        return explain(self, images, questions, layers)

    monkeypatch.setattr(OFAForVQA, "explain", watched)
    yield sizes


@pytest.mark.parametrize("crash", ["model", "writer"])
@pytest.mark.slow
def test_a_killed_shard_goes_on_where_it_stopped(
    stage: Stage, drawn: Study, weights: Path, tmp_path: Path, monkeypatch, asked, crash: str
) -> None:
    whole = stage.read(Stage(drawn, weights, tmp_path / "whole").ask())
    calls = len(asked)
    name, target = ("explain", OFAForVQA) if crash == "model" else ("_write", prior)
    proper, left = getattr(target, name), [3]

    def dying(*arguments):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return proper(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(target, name, dying)
        with pytest.raises(KeyboardInterrupt):
            stage.ask()
    assert not list((stage.folder / "prior").glob("1-of-1.h5"))
    (state,) = (stage.folder / "prior").glob(".1-of-1-*")
    kept = len(list(state.glob("*.h5")))
    assert kept > 0
    asked.clear()
    again = stage.read(stage.ask())
    assert 0 < len(asked) < calls and not state.exists()
    assert (again.heatmap == whole.heatmap).all()
    assert (again.columns["answer"] == whole.columns["answer"]).all()


@pytest.mark.slow
def test_other_settings_do_not_go_on_from_there(stage: Stage, monkeypatch, capsys) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(prior, "concatenate_priors", lambda *_: (_ for _ in ()).throw(OSError))
        with pytest.raises(OSError):
            stage.ask()
    stage.ask(beam=1)
    assert "going on" not in capsys.readouterr().out
    assert not list((stage.folder / "prior").glob(".*"))


@pytest.mark.slow
def test_a_picture_that_changed_makes_its_block_again_and_no_other(
    stage: Stage, tmp_path: Path, monkeypatch, asked: list[int], capsys
) -> None:
    spoil(stage, tmp_path)
    name = read_people(stage.study.manifest)["image"].iloc[-1]
    with monkeypatch.context() as patch:
        patch.setattr(prior, "concatenate_priors", lambda *_: (_ for _ in ()).throw(OSError))
        with pytest.raises(OSError):
            stage.ask(failures=1.0, overlay="head")
    with Image.open(stage.images / name) as image:
        other = image.transpose(Image.Transpose.ROTATE_180)
    other.save(stage.images / name)
    capsys.readouterr()
    path = stage.ask(failures=1.0, overlay="head")
    fresh = stage.ask(shards=2, failures=1.0, overlay="head"), stage.ask(2, 2, 1.0, overlay="head")
    merge_priors(fresh, stage.folder / "prior.h5")
    assert "going on: 3 of 5 blocks" in capsys.readouterr().out  # the first picture is damaged
    store, expected = stage.read(path), stage.read(stage.folder / "prior.h5")
    assert (store.heatmap == expected.heatmap).all()


@pytest.mark.slow
def test_people_who_moved_into_the_split_are_asked(drawn: Study, stage: Stage, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(prior, "concatenate_priors", lambda *_: (_ for _ in ()).throw(OSError))
        with pytest.raises(OSError):
            stage.ask(which="test")
    table = pd.read_parquet(drawn.manifest)
    swapped = table["split"].map({"train": "test", "test": "train"})
    manifest = stage.folder / "manifest.parquet"
    write_table(table.assign(split=swapped), manifest)
    stage.study = Study(drawn.folder, manifest, drawn.annotations, drawn.samples, drawn.prior)
    with h5py.File(stage.ask(which="test")) as file:
        assert file["sample_id"][:].tolist() == table["sample_id"][swapped == "test"].tolist()


@pytest.mark.slow
def test_parts_that_do_not_ascend_are_not_put_together(stage: Stage) -> None:
    first, second = stage.ask(1, 2), stage.ask(2, 2)
    with pytest.raises(ValueError, match="must ascend, within blocks and from one"):
        concatenate_priors([second, first], stage.folder / "whole.h5")


def test_overlays_decide_what_is_asked(stage: Stage) -> None:
    people = read_people(stage.study.manifest)
    bodies = pd.read_parquet(stage.bodies)
    for overlay, boxed in (("body", bodies["detected"]), ("head", True), ("none", False)):
        asked = questions(people, bodies, told(overlay=overlay))
        expected = np.broadcast_to(boxed, len(people))
        assert [one.box is not None for one in asked] == expected.tolist()
        assert [one.text == BOXED for one in asked] == expected.tolist()
    head = questions(people, bodies, told(overlay="head"))[0]
    assert head.box == tuple(people[["head_x0", "head_y0", "head_x1", "head_y1"]].iloc[0])
    red = told(box_colour=[255, 0, 0], box_thickness=5)
    plain = prior.Question(head.image, head.size, None, "")
    drawn = [prior.vqa_picture(one, stage.images, 128, red) for one in (plain, head)]
    assert (drawn[1] - drawn[0])[0].max() > 1 and (drawn[1] - drawn[0])[1].min() < -0.5


def test_without_overlay_an_image_is_read_once_for_all_its_people(
    drawn: Study, weights: Path, tmp_path: Path, asked: list[int]
) -> None:
    people = read_people(drawn.manifest)
    people["image"] = people["image"].iloc[0]
    people["width"], people["height"] = 96, 72
    manifest = tmp_path / "manifest.parquet"
    write_table(people.assign(gaze_x=0.5, gaze_y=0.5, in_frame=True, label="ball"), manifest)
    study = Study(drawn.folder, manifest, drawn.annotations, drawn.samples, drawn.prior)
    stage = Stage(study, weights, tmp_path)
    stage.bodies = drawn.folder / "bodies.parquet"
    store = stage.read(stage.ask(overlay="none", block=100))
    assert asked == [1] and (store.heatmap == store.heatmap[0]).all() and store.valid.all()


def spoil(stage: Stage, tmp_path: Path) -> Path:
    """The study's images with one that is cut off, and one person's body outside its image."""
    images = tmp_path / "images"
    for path in sorted(stage.images.rglob("*.jpg")):
        copy = images / path.relative_to(stage.images)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    people = read_people(stage.study.manifest)
    bad = images / people["image"].iloc[0]
    bad.write_bytes(bad.read_bytes()[:200])
    bodies = pd.read_parquet(stage.bodies)
    bodies.loc[4, ["body_x0", "body_x1"]] = 500.0, 600.0
    write_table(bodies, tmp_path / "bodies.parquet")
    stage.images, stage.bodies = images, tmp_path / "bodies.parquet"
    return bad


@pytest.mark.slow
def test_one_bad_picture_marks_its_row_and_stops_nothing(
    stage: Stage, tmp_path: Path, capfd
) -> None:
    clean = stage.read(stage.ask())
    (stage.folder / "prior/1-of-1.h5").unlink()
    bad = spoil(stage, tmp_path)
    people = read_people(stage.study.manifest)
    hit = people["image"].to_numpy() == people["image"].iloc[0]
    hit[4] = True
    path = stage.ask(failures=0.5)
    store = stage.read(path)
    assert (store.valid == ~hit).all() and (store.heatmap[hit] == 0).all()
    problems = store.columns["problem"]
    assert bad.name in problems[0] and "not a readable image" in problems[0]
    assert "found no area" in problems[4] and (problems[~hit] == "").all()
    logged = capfd.readouterr()
    assert "not asked: sample_id 0" in logged.out + logged.err
    block = np.arange(len(hit)) // ASK["block"]
    same = ~np.isin(block, block[hit])  # the company of all others is what it was
    assert same.sum() >= ASK["block"]
    assert (store.heatmap[same] == clean.heatmap[same]).all()
    for column in ("answer", "batch"):
        kept = ~hit if column == "answer" else same
        assert (store.columns[column][kept] == clean.columns[column][kept]).all(), column
    maps, valid = prior_maps(path, people_digest(people), people["sample_id"].to_numpy(), 1, 16)
    assert not valid[hit].any() and (maps[hit] == 0).all() and valid[~hit].any()


@pytest.mark.slow
def test_too_many_failures_stop_the_job_and_mended_ones_are_asked_again(
    stage: Stage, tmp_path: Path
) -> None:
    proper = stage.images, stage.bodies
    bad = spoil(stage, tmp_path)
    with pytest.raises(
        InputError, match=r"of 18 people were not asked, .* share 0\.05 .* failures .*sample_id 0"
    ):
        stage.ask(failures=0.05)
    assert not list((stage.folder / "prior").glob("1-of-1.h5"))
    bad.write_bytes((proper[0] / bad.relative_to(stage.images)).read_bytes())
    stage.bodies = proper[1]
    assert stage.read(stage.ask(failures=0.0)).valid.all()


@pytest.mark.slow
def test_short_memory_halves_the_batch_and_goes_on(stage: Stage, monkeypatch, capfd) -> None:
    explain = OFAForVQA.explain

    def tight(self, images, questions, layers):
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return explain(self, images, questions, layers)

    whole = stage.read(stage.ask(overlay="head"))
    assert whole.columns["batch"].max() == 4
    monkeypatch.setattr(OFAForVQA, "explain", tight)
    store = stage.read(stage.ask(overlay="head"))
    assert store.valid.all() and store.columns["batch"].max() == 2
    assert (store.columns["answer"] == whole.columns["answer"]).all()
    limit = 1e-4 * whole.heatmap.max((1, 2, 3))[:, None, None, None]
    assert (np.abs(store.heatmap - whole.heatmap) <= limit).all()
    logged = capfd.readouterr()
    assert "memory ran out with 4 pictures; going on with 2" in logged.out + logged.err


@pytest.mark.parametrize(
    "said",
    [
        "DefaultCPUAllocator: can't allocate memory: you tried ...",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "CUDA error: out of memory",
    ],
)
def test_short_memory_is_known_by_all_its_names(stage: Stage, monkeypatch, said: str) -> None:
    def full(self, images, questions, layers):
        raise RuntimeError(said)

    monkeypatch.setattr(OFAForVQA, "explain", full)
    with pytest.raises(InputError, match="one picture at a time"):
        stage.ask(overlay="none")


@pytest.mark.slow
def test_a_block_that_was_short_of_memory_changes_no_other(stage: Stage, monkeypatch) -> None:
    explain, failed = OFAForVQA.explain, []

    def tight(self, images, questions, layers):
        if not failed:
            failed.append(len(images))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return explain(self, images, questions, layers)

    monkeypatch.setattr(OFAForVQA, "explain", tight)
    store = stage.read(stage.ask(overlay="head"))
    assert failed == [4]
    assert store.columns["batch"].tolist() == [2] * 4 + [4] * 12 + [len(store.valid) - 16] * 2


@pytest.mark.slow
def test_workers_read_pictures_and_never_compute(stage: Stage, monkeypatch) -> None:
    explain, threads = OFAForVQA.explain, set()

    def watched(self, images, questions, layers):
        threads.add(torch.get_num_threads())
        return explain(self, images, questions, layers)

    monkeypatch.setattr(OFAForVQA, "explain", watched)
    before = torch.get_num_threads()
    torch.set_num_threads(3)  # as a rule of three threads begins
    try:
        stage.ask()
        assert threads == {1} and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_pictures_are_read_without_gradients_by_a_folded_stem(stage: Stage, monkeypatch) -> None:
    """The image stem is most of the work: Grad-CAM differentiates what follows the encoder alone."""
    forward, seen = ResNet.forward, []

    def watched(self: ResNet, images: torch.Tensor) -> torch.Tensor:
        seen.append((torch.is_grad_enabled(), any(type(m) is BatchNorm2d for m in self.modules())))
        return forward(self, images)

    monkeypatch.setattr(ResNet, "forward", watched)
    stage.ask()
    assert set(seen) == {(False, False)}


@pytest.mark.slow
def test_half_precision_reads_and_full_precision_explains(stage: Stage) -> None:
    store = stage.read(stage.ask(precision="bf16"))
    exact = stage.read(stage.ask())
    assert store.valid.all() and np.isfinite(store.heatmap).all()
    same = store.columns["answer"] == exact.columns["answer"]
    assert same.any()
    rows = [
        np.corrcoef(a.ravel(), b.ravel())[0, 1]
        for a, b in zip(store.heatmap, exact.heatmap, strict=True)
    ]
    assert np.array(rows)[same].min() > 0.9
    assert (store.heatmap != exact.heatmap).any()


def test_layers_that_the_model_lacks_are_refused_before_any_work(stage: Stage, asked) -> None:
    with pytest.raises(InputError, match="from 1 to 2"):
        stage.ask(layers=[2, 3])
    assert not asked


def test_questions_too_long_for_the_model_are_refused_before_any_work(stage: Stage, asked) -> None:
    long = "what " * 70
    with pytest.raises(InputError, match=r"prior\.questions: found \d+ tokens in 'what .* most 64"):
        stage.ask(questions=ASK["questions"] | {"none": long})
    assert not asked


@pytest.mark.slow
def test_table_s7_scores_every_overlay_and_layer(
    drawn: Study, weights: Path, tmp_path: Path
) -> None:
    priors = []
    for overlay, which in (("body", "all"), ("head", "test"), ("none", "test")):
        stage = Stage(drawn, weights, tmp_path / overlay)
        priors.append(stage.ask(overlay=overlay, which=which))
    with h5py.File(priors[1]) as file:
        assert len(file["sample_id"]) == 3
    study = (drawn.samples, drawn.manifest, drawn.annotations, 32)
    table = score_overlays(priors, ["ofa"] * 3, *study)
    assert list(zip(table["overlay"], table["layer"], strict=True)) == [
        (overlay, layer) for overlay in ("body", "head", "none") for layer in (1, 2)
    ]
    assert table["paper_auc"].tolist()[:3] == [0.791, 0.785, 0.784]
    assert table["paper_auc"].isna().tolist()[3:] == [True] * 3
    assert table["auc"].between(0, 1).all() and (table["people"] == 3).all()
    assert (table["dist_to_mean"] != table["dist_to_mean"].iloc[0]).any()
    # the same maps make the row "raw Grad-CAM" of the other tables
    out, settings = tmp_path / "gradcam.json", MapSettings(32, 3.0, 2)
    evaluate_prior(priors[0], drawn.samples, drawn.manifest, drawn.annotations, settings, {}, out)
    raw = json.loads(out.read_text())["metrics"]
    assert raw["dist_to_mean"]["value"] == table["dist_to_mean"][1]
    assert raw["auc"]["value"] == table["auc"][1]
    text = table_s7_markdown(table)
    assert "| Body box | 1 of 2 |" in text and "paper, GazeFollow" in text and "0.254" in text
    assert "Prior" not in text
    both = score_overlays([priors[0]] * 2, ["a", "b"], *study)
    assert "| b | Body box | 1 of 2 |" in table_s7_markdown(both) and len(both) == 4


def test_a_missing_image_folder_says_so_once(stage: Stage, tmp_path: Path) -> None:
    stage.images = tmp_path / "nowhere"
    with pytest.raises(InputError, match="no such image"):
        stage.ask(failures=0.2)
