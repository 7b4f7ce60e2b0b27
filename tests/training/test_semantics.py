"""Names and directions in training: each where it is known; and what is made of them in the end."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_study import CPU, GAZE, MAPS, Study, make_study, pictures_of

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.data.heatmaps import resize
from gcdr.data.label_space import LabelSpace, read_label_space, write_label_space
from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.shown import read_shown
from gcdr.data.split import LABELLED, split_labels
from gcdr.data.stores import write_prior
from gcdr.data.tokens import open_cache
from gcdr.data.vocabulary import MISSING
from gcdr.evaluation import stages
from gcdr.evaluation.semantic import CENTRE, dark_points, semantic_distances
from gcdr.evaluation.semantic_stages import Guess, evaluate_guesses, evaluate_semantics
from gcdr.models.build import load_model, save_model
from gcdr.models.description import GazeModelSettings
from gcdr.models.interface import GazeInputs, GazeOutput
from gcdr.models.semgaze import Semgaze
from gcdr.models.semgaze_config import SemgazeConfig
from gcdr.models.semgaze_loss import direction_loss, gaze_vectors, label_loss
from gcdr.prediction.predictions import PredictionRequest, asked_names
from gcdr.predictor.predictor import Predictor
from gcdr.priors.named_people import name_people
from gcdr.priors.text_towers import embed_vocabulary
from gcdr.refine.labels import make_labels
from gcdr.refine.options import LabelSettings
from gcdr.report.table_semantic import write_table_semantic
from gcdr.training.batches import Batch
from gcdr.training.gaze import train_gaze_model
from gcdr.training.recipes import SemanticTraining
from gcdr.training.semantics import Names, names_of_people, semantic_terms

WORLD = Path(__file__).parents[2] / "assets/world/vqa"
SEMGAZE = replace(GAZE, model=GazeModelSettings("semgaze", "world"), semantics=SemanticTraining())


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A tiny study whose prior store answers with the right noun of two people in three."""
    study = make_study(tmp_path_factory.mktemp("study"), train=24, test=6)
    people, annotated = read_people(study.manifest), read_annotated(study.manifest)
    nouns = annotated["label"].fillna("picture").to_numpy(object)
    nouns[::3] = "picture"
    ids = people["sample_id"].to_numpy()
    write_prior(
        study.prior, ids, np.ones((len(ids), 1, 8, 8), np.float32), np.ones(len(ids), bool),
        {"noun": nouns}, layers=[1], people=people_digest(people), made_by={},
    )  # fmt: skip
    write_table(split_labels(annotated, 40, 0, 0), study.folder / "labels.parquet")
    embed_vocabulary(WORLD, None, study.folder / "text/embeddings.safetensors")
    return study


@pytest.fixture(scope="module")
def named(study: Study) -> Path:
    out = study.folder / "named.parquet"
    labels, space = study.folder / "labels.parquet", study.folder / "text"
    name_people(study.prior, study.manifest, labels, WORLD, space, out)
    return out


def test_names_of_the_labelled_and_by_answers(study: Study, named: Path) -> None:
    labels, digest = study.folder / "labels.parquet", people_digest(read_people(study.manifest))
    told = read_json(named.with_suffix(".json"))
    assert told["from"][0]["people"] > 0 and told["from"][-1]["right"] == 1
    shown = read_shown(labels)
    labelled = shown.loc[shown["role"] == LABELLED, "sample_id"].to_numpy()
    own = names_of_people(labels, study.folder / "text", None, digest, 0.5, 96)
    assert set(own.sample_id) <= set(labelled)
    more = names_of_people(labels, study.folder / "text", named, digest, 0.5, 96)
    assert len(more.sample_id) > len(own.sample_id)
    assert np.array_equal(more.of(own.sample_id), own.place), "a label counts before an answer"
    table = pd.read_parquet(named).set_index("sample_id")
    hidden = np.setdiff1d(more.sample_id, labelled)
    assert np.array_equal(more.of(hidden), table.loc[hidden, "place"])
    assert (table.loc[hidden, "confidence"] >= 0.5).all()
    assert more.of(np.array([10**6])).tolist() == [-1]


def test_a_store_that_names_nothing_is_refused(study: Study, tmp_path: Path) -> None:
    """Such as that of points without labels: no answer is no name."""
    people = read_people(study.manifest)
    ids, store = people["sample_id"].to_numpy(), tmp_path / "points.h5"
    write_prior(
        store, ids, np.ones((len(ids), 1, 8, 8), np.float32), np.ones(len(ids), bool),
        {"noun": np.full(len(ids), "", object)}, layers=[1], people=people_digest(people), made_by={},
    )  # fmt: skip
    files = (study.manifest, study.folder / "labels.parquet", WORLD, study.folder / "text")
    with pytest.raises(InputError, match=r"points.h5: says where \d+ people look and of nobody at"):
        name_people(store, *files, tmp_path / "names.parquet")
    assert not (tmp_path / "names.parquet").exists()


def test_names_that_nobody_is_sure_of_are_refused(
    study: Study, named: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels, digest = study.folder / "labels.parquet", people_digest(read_people(study.manifest))
    table = pd.read_parquet(named)
    unlabelled = read_shown(labels).query("role == 'unlabelled'")["sample_id"]
    sure = table["sample_id"].isin(unlabelled) & (table["confidence"] >= 0.5)
    names_of_people(labels, study.folder / "text", named, digest, 0.5, 96)
    said = f"names: {sure.sum()} of {len(unlabelled)} unlabelled people have one of confidence 0.5"
    assert said in capsys.readouterr().out and sure.any()
    with pytest.raises(InputError, match=r"none of \d+ unlabelled people has a name of confidence"):
        names_of_people(labels, study.folder / "text", named, digest, 1.01, 96)


def test_names_of_who_looks_out_of_the_frame_do_not_count(
    study: Study, named: Path, tmp_path: Path
) -> None:
    """Neither in training, nor for the most frequent name, nor for how often answers are right."""
    labels, space = study.folder / "labels.parquet", study.folder / "text"
    digest, table = people_digest(read_people(study.manifest)), pd.read_parquet(labels)
    people = table["role"] == LABELLED
    out = people & (np.arange(len(table)) % 3 == 0)
    table.loc[people, "label"], table.loc[people, "in_frame"] = "dog", True
    table.loc[out, ["gaze_x", "gaze_y"]], table.loc[out, "in_frame"] = np.nan, False
    table.loc[out, "label"] = "cup"
    assert out.any() and (people & ~out).any()
    write_table(table, tmp_path / "labels.parquet", digest)
    found = names_of_people(tmp_path / "labels.parquet", space, named, digest, 0.5, 96)
    looking = table.loc[people & ~out, "sample_id"]
    names = read_label_space(space).names
    assert (found.of(looking.to_numpy()) == names.index("dog")).all()
    assert (found.of(table.loc[out, "sample_id"].to_numpy()) == MISSING).all()
    store = tmp_path / "named.parquet"
    name_people(study.prior, study.manifest, tmp_path / "labels.parquet", WORLD, space, store)
    assert read_json(store.with_suffix(".json"))["known"] == len(looking)


def test_hidden_names_are_never_read(study: Study, named: Path, tmp_path: Path) -> None:
    """Absurd names in what the split hides change nothing."""
    annotated = read_annotated(study.manifest)
    table = split_labels(annotated, 40, 0, 0)
    shown = set(table.loc[table["role"] == LABELLED, "sample_id"])
    annotated.loc[~annotated["sample_id"].isin(shown), "label"] = "absurd"
    write_table(split_labels(annotated, 40, 0, 0), tmp_path / "labels.parquet")
    digest = people_digest(read_people(study.manifest))
    found = [
        names_of_people(folder / "labels.parquet", study.folder / "text", named, digest, 0.5, 96)
        for folder in (study.folder, tmp_path)
    ]
    assert np.array_equal(found[0].sample_id, found[1].sample_id)
    assert np.array_equal(found[0].place, found[1].place)


def test_each_term_counts_those_of_whom_it_is_known() -> None:
    torch.manual_seed(0)
    unit = torch.nn.functional.normalize
    vector, predicted = unit(torch.randn(4, 2), dim=-1), unit(torch.randn(4, 8), dim=-1)
    output = GazeOutput(heatmap=torch.zeros(4, 2, 2), gaze_vector=vector, label_embedding=predicted)
    gaze = torch.tensor([[0.1, 0.2], [0.5, 0.9], [float("nan")] * 2, [float("nan")] * 2])
    box = torch.rand(4, 4)
    batch = Batch(
        GazeInputs(image_of=torch.arange(4), head_box=box), None, torch.zeros(4, 2, 2),
        ~gaze.isnan().any(1), gaze=gaze, place=torch.tensor([2, -1, 0, -1]),
    )  # fmt: skip
    names = Names(np.arange(4), np.arange(4), unit(torch.randn(3, 8), dim=-1))
    model = Semgaze(SemgazeConfig.world())
    direction = direction_loss(vector[:2], gaze_vectors(gaze[:2], box[:2]))
    label = label_loss(predicted[[0, 2]], names.embeddings[[2, 0]], model.logit_scale)
    found = semantic_terms(model, output, batch, names, "none")
    torch.testing.assert_close(found, 3 * direction + label)
    towards = torch.stack([names.embeddings[2], torch.zeros(8), names.embeddings[0]])
    label = label_loss(predicted[:3], towards, model.logit_scale)
    found = semantic_terms(model, output, batch, names, "reference")
    torch.testing.assert_close(found, 3 * direction + label)


@pytest.mark.slow
def test_where_and_what_from_files_to_a_table(study: Study, named: Path, tmp_path: Path) -> None:
    labels, space = study.folder / "labels.parquet", study.folder / "text/embeddings.safetensors"
    given = (study.samples, pictures_of(study, labels)[1], labels)
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    train_gaze_model(*given, None, None, None, SEMGAZE, 0, CPU, teacher, space=space)
    pseudo = tmp_path / "pseudo.h5"
    make_labels(
        "semi-vat", study.manifest, labels, "unlabelled", study.samples, None, teacher,
        LabelSettings(MAPS, "gaze"), 0, CPU, pseudo,
    )  # fmt: skip
    train_gaze_model(
        *given, pseudo, None, teacher, SEMGAZE, 0, CPU, student, space=space, named=named
    )
    model = load_model(student)
    assert model.logit_scale != load_model(teacher).logit_scale
    about, files = {"study": "tiny"}, (study.samples, study.manifest, study.manifest)
    evaluate_semantics(student, *files, study.annotations, space, about, CPU, tmp_path / "s.json")
    save_model(tmp_path / "released", model)
    tested = stages.test_people(study.manifest, study.annotations, study.samples).looking_inside()
    maps = Predictor(model, CPU).of_people(open_cache(study.samples), tested.ids, None).heatmap
    # Cells stand for their centres in what is learned here, for their corners in what is released.
    for name, within in (("student", CENTRE), ("released", 0.0)):
        evaluate_semantics(
            tmp_path / name, *files, study.annotations, space, about, CPU, tmp_path / "r.json"
        )
        points = dark_points(resize(maps, 64).numpy(), within=within)
        near = semantic_distances(points, tested.points)["semantic_dist_to_mean"].mean()
        found = read_json(tmp_path / "r.json")
        assert found["metrics"]["semantic_dist_to_mean"]["value"] == pytest.approx(near)
        assert found["people"] == len(tested.ids)
    of_guess = (*files, study.annotations, labels, space)
    guesses: tuple[Guess, ...] = ("random", "majority", "answers")
    for guess in guesses:
        evaluate_guesses(*of_guess, guess, named, about, tmp_path / f"{guess}.json")
    rows: list[dict[str, Any]] = [
        {"guess": one, "files": [str(tmp_path / f"{one}.json")]} for one in guesses
    ]
    rows.append({"variants": ["vat+s"], "files": [str(tmp_path / "s.json")]})
    write_table_semantic(rows, {"s": "s"}, tmp_path / "t.csv", tmp_path / "t.md")
    table = pd.read_csv(tmp_path / "t.csv").set_index("title")
    assert (
        table.loc["Supervised s", ["acc_1", "acc_3", "semantic_dist_to_mean", "semantic_auc"]]
        .notna()
        .all()
    )
    assert table.loc["answers", "acc_1"] > 0.3 and np.isnan(table.loc["majority", "semantic_auc"])
    assert "Acc@1" in (tmp_path / "t.md").read_text()
    other = tmp_path / "other"
    space_of = read_label_space(study.folder / "text")
    write_label_space(other, replace(space_of, fingerprint=tuple(np.ones(8)), tower="another"))
    with pytest.raises(InputError, match=r"space of another text tower .*VQA.*found another, exp"):
        evaluate_semantics(
            student, *files, study.annotations, other, about, CPU, tmp_path / "v.json"
        )
    nameless = tmp_path / "nameless"
    places = replace(SEMGAZE, semantics=None)
    train_gaze_model(*given, None, None, None, places, 0, CPU, nameless)
    with pytest.raises(InputError, match="nameless: was trained without names"):
        evaluate_semantics(
            nameless, *files, study.annotations, space, about, CPU, tmp_path / "v.json"
        )
    words = tmp_path / "words.txt"
    words.write_text("cup\nball\n")
    request = PredictionRequest([study.folder / "images"], nameless, vocabulary=words, tower=WORLD)
    with pytest.raises(InputError, match="nameless: was trained without names"):
        asked_names(request)
    assert asked_names(replace(request, model=student)).names == ("cup", "ball")
    with pytest.raises(InputError, match=r"--tower: found .* without --vocabulary"):
        asked_names(replace(request, vocabulary=None))
    assert asked_names(replace(request, vocabulary=None, tower=None)) is None
    vat = tmp_path / "vat"
    train_gaze_model(*given, None, None, None, GAZE, 0, CPU, vat)
    with pytest.raises(InputError, match="says where people look and not what"):
        evaluate_semantics(vat, *files, study.annotations, space, about, CPU, tmp_path / "v.json")


def test_a_space_of_another_size_is_refused(study: Study, tmp_path: Path) -> None:
    labels = study.folder / "labels.parquet"
    given = (study.samples, pictures_of(study, labels)[1], labels)
    space = read_label_space(study.folder / "text")
    short = np.eye(len(space.names), 5, dtype=np.float32)
    short[5:, 0] = 1  # of unit length
    write_label_space(tmp_path, LabelSpace(space.names, short, "a short tower"))
    with pytest.raises(
        InputError, match=r"5 numbers \(a short tower\), expected the 96 of the model"
    ):
        train_gaze_model(
            *given, None, None, None, SEMGAZE, 0, CPU, tmp_path / "out", space=tmp_path
        )
