"""Where and what of test people, from files to files, by numbers that are known beforehand."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_study import CPU, Study, make_study

from gcdr.base.files import read_json
from gcdr.data.heatmaps import resize
from gcdr.data.label_space import LabelSpace, write_label_space
from gcdr.data.manifest import ACCEPTED, OBJECT, people_digest, read_annotated, write_table
from gcdr.data.split import LABELLED, split_labels
from gcdr.data.tokens import open_cache
from gcdr.evaluation.semantic import dark_points
from gcdr.evaluation.semantic_stages import Guess, evaluate_guesses, evaluate_semantics
from gcdr.evaluation.stages import test_people as people_of_test
from gcdr.models.build import save_model
from gcdr.models.semgaze import Semgaze
from gcdr.models.semgaze_config import SemgazeConfig
from gcdr.predictor.predictor import Predictor

NAMES = ("ball", "cat", "cup", "dog")


@dataclass(frozen=True)
class Named:
    """A tiny study, its vocabulary, and what was annotated of it."""

    study: Study
    space: Path
    annotated: pd.DataFrame
    digest: str

    def files(self, folder: Path, annotated: pd.DataFrame) -> tuple[Path, Path, Path, Path]:
        """What both stages take first."""
        write_table(annotated, folder / "annotated.parquet", self.digest)
        files = (self.study.samples, self.study.manifest, folder / "annotated.parquet")
        return *files, self.study.annotations


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Named:
    folder = tmp_path_factory.mktemp("named")
    study = make_study(folder, train=6, test=6)
    embeddings = np.eye(len(NAMES), SemgazeConfig.world().label_width, dtype=np.float32)
    write_label_space(folder / "text", LabelSpace(NAMES, embeddings, "axes"))
    annotated = read_annotated(study.manifest)
    return Named(study, folder / "text", annotated, people_digest(annotated))


def test_points_are_held_to_boxes_in_pixels_of_pictures_that_are_not_square(
    named: Named, tmp_path: Path
) -> None:
    """Boxes of two pixels about where a model looks in every second picture, and beside it in the others."""
    torch.manual_seed(0)
    save_model(tmp_path / "model", model := Semgaze(SemgazeConfig.world()).eval())
    study, annotated = named.study, named.annotated.set_index("sample_id", drop=False)
    tested = people_of_test(study.manifest, study.annotations, study.samples).looking_inside()
    assert (tested.people["width"] > tested.people["height"]).all()
    said = Predictor(model, CPU).of_people(open_cache(study.samples), tested.ids, None)
    points = dark_points(resize(said.heatmap, 64).numpy())
    assert (points > 0.05).any(1).all(), "exchanged sides move every box by more than its own"
    centre = points * tested.people[["width", "height"]].to_numpy()
    centre[1::2] += 5
    annotated[OBJECT] = np.nan
    annotated.loc[tested.ids, OBJECT] = np.hstack([centre - 1, centre + 1])
    annotated.loc[tested.ids[-1], OBJECT] = np.nan
    best = (said.label_embedding.numpy()[:, : len(NAMES)]).argmax(1)
    annotated["label"] = None
    annotated.loc[tested.ids, "label"] = np.array(NAMES, object)[best]
    annotated.loc[tested.ids[0], "label"] = NAMES[best[0] - 1]
    annotated[ACCEPTED] = annotated["label"]
    annotated.loc[tested.ids[0], ACCEPTED] = "|".join(NAMES)
    files = named.files(tmp_path, annotated.reset_index(drop=True))
    evaluate_semantics(tmp_path / "model", *files, named.space, {}, CPU, tmp_path / "s.json")
    found = read_json(tmp_path / "s.json")["metrics"]
    boxed, people = len(tested.ids) - 1, len(tested.ids)
    assert found["gaze_acc"]["people"] == boxed
    assert found["gaze_acc"]["value"] == pytest.approx(len(range(0, boxed, 2)) / boxed)
    assert found["acc_1"]["value"] == pytest.approx(1 - 1 / people)
    assert found["multi_acc_1"]["value"] == 1


def test_names_without_a_model_are_as_often_right_as_counted(named: Named, tmp_path: Path) -> None:
    """Dogs are what most labelled people look at, cats what those look at who look out of the frame."""
    study, annotated = named.study, named.annotated.copy()
    tested = people_of_test(study.manifest, study.annotations, study.samples).looking_inside()
    of_test = annotated["sample_id"].isin(tested.ids).to_numpy()
    annotated.loc[of_test, "label"] = np.resize(["dog", "cat", "dog"], of_test.sum())
    labels = split_labels(annotated, 100, 0, 0)
    labelled = labels.index[labels["role"] == LABELLED]
    out = labelled[: len(labelled) // 2 + 1]
    labels.loc[labelled, "label"], labels.loc[labelled, "in_frame"] = "dog", True
    labels.loc[out, "label"], labels.loc[out, "in_frame"] = "cat", False
    write_table(labels, tmp_path / "labels.parquet", named.digest)
    meant = annotated.set_index("sample_id").loc[tested.ids, "label"].to_numpy(object)
    sure = np.resize([0.95, 0.5, 0.05], len(tested.ids))
    answers = pd.DataFrame({"sample_id": tested.ids, "name": meant, "confidence": sure})
    answers["place"] = answers["name"].map(NAMES.index)
    answers.loc[0, ["name", "place"]] = ["cup", 2]
    write_table(answers.sort_values("sample_id"), tmp_path / "named.parquet", named.digest)
    files = named.files(tmp_path, annotated)
    given = (*files, tmp_path / "labels.parquet", named.space)
    found = {}
    guesses: tuple[Guess, ...] = ("majority", "answers")
    for guess in guesses:
        out = tmp_path / f"{guess}.json"
        evaluate_guesses(*given, guess, tmp_path / "named.parquet", {}, out)
        found[guess] = read_json(out)["metrics"]["acc_1"]["value"]
    dogs = (meant == "dog").mean()
    assert 0 < dogs < 1 and found["majority"] == pytest.approx(dogs)
    assert found["answers"] == pytest.approx(1 - 1 / len(meant)), "whatever their confidence"
