"""The timestep that labels choose: folds, comparison, ties, groups, and bad input."""

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_study import CPU, DIFFUSION, GAZE, LABELS, MAPS, REFINE, Study, make_study, pictures_of

from gcdr.base.errors import InputError
from gcdr.base.files import read_json, write_json, write_sealed
from gcdr.data.folds import clusters, fold_of, labelled_folds
from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.shown import read_shown
from gcdr.data.split import LABELLED, VALIDATION, split_labels, targets
from gcdr.data.stores import read_labels, write_prior
from gcdr.evaluation.sweeps import choose_timestep, labelled_groups
from gcdr.refine.choice import Choice, Chosen, compared, read_choice, select, shrunk_weights
from gcdr.refine.labels import make_labels
from gcdr.refine.options import ChoiceSettings
from gcdr.refine.reliability import LEAST, Reliability
from gcdr.report.tables import read_sweeps
from gcdr.training.denoising import held_out, train_diffusion_model
from gcdr.training.gaze import train_gaze_model
from gcdr.training.recipes import Fold
from gcdr.variants import AUTO

pytestmark = pytest.mark.slow

SETTINGS = ChoiceSettings(
    MAPS, replace(REFINE, timestep=AUTO, steps=None), (100, 250), (1, 2), repeats=2
)
ABOUT = {"study": "tiny", "seed": 0, "share": 50, "prior": "made-up"}


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40),
    st.integers(1, 8),
    st.integers(0, 9),
)
def test_folds_never_tear_a_unit_and_none_is_empty(names: list[str], folds: int, seed: int) -> None:
    unit = np.array(names)
    if len(set(names)) < folds:
        with pytest.raises(InputError, match=f"expected at least {folds}"):
            fold_of(unit, folds, seed)
        return
    fold = fold_of(unit, folds, seed)
    assert set(fold) == set(range(folds))
    assert all(len(set(fold[unit == name])) == 1 for name in set(names))


def test_folds_of_people_in_pictures_of_their_own_differ_by_one_at_most() -> None:
    sizes = np.bincount(fold_of(np.arange(17).astype(str), 3, 0))
    assert sizes.tolist() == [6, 6, 5]


def test_films_stay_together() -> None:
    people = pd.DataFrame({"image": list("abcd"), "sequence": ["s", "s", None, None]})
    assert clusters(people).tolist() == ["sequence s", "sequence s", "image c", "image d"]


def test_a_difference_is_paired_and_clustered() -> None:
    rng = np.random.default_rng(0)
    hard = rng.random(40)  # people differ far more than candidates do
    errors = np.stack([hard, hard + 0.01 + 0.001 * rng.standard_normal(40)])
    alone, weights = np.arange(40).astype(str), np.full(40, 1 / 40)
    table = compared(errors, alone, weights)
    assert table["above"].tolist() == pytest.approx([0, 0.01], abs=0.001)
    apart = errors[1] - errors[0]
    assert table["se"].tolist() == pytest.approx([0, apart.std(ddof=1) / 40**0.5])
    twice = compared(np.repeat(errors, 2, 1), np.repeat(alone, 2), np.full(80, 1 / 80))
    assert twice["se"].tolist() == pytest.approx(table["se"].tolist())  # a copy is no news


def test_two_units_are_few_and_one_tells_nothing() -> None:
    errors, weights = np.array([[0.1, 0.3], [0.2, 0.2]]), np.full(2, 0.5)
    table = compared(errors, np.array(["a", "b"]), weights)
    apart = errors[1] - errors[0]
    assert table["se"][1] == pytest.approx(apart.std(ddof=1) / 2**0.5)
    with pytest.raises(InputError, match="found 2 in one image or film, by which no timestep"):
        compared(errors, np.array(["a", "a"]), weights)
    errors[1, 1] = np.nan
    with pytest.raises(InputError, match="errors of 1 of 2 held-out people are not finite"):
        compared(errors, np.array(["a", "b"]), weights)


@pytest.mark.parametrize("strength", [0.0, 10.0])
def test_a_group_of_two_pictures_is_two_pieces_of_evidence(strength: float) -> None:
    """However many pictures of others stand beside: what is said is how far means of such groups vary."""
    rng, pictures = np.random.default_rng(0), np.r_[np.repeat([0, 1], 10), np.arange(2, 202)]
    weights = shrunk_weights(np.arange(220) < 20, strength)
    found = []
    for _ in range(400):
        apart = rng.standard_normal(202)[pictures]
        table = compared(np.stack([np.full(220, 5.0), 5 + apart]), pictures.astype(str), weights)
        found.append((table["se"].max(), apart @ weights))
    claimed, true = np.sqrt((np.array(found) ** 2).mean(0))
    assert claimed == pytest.approx(true, rel=0.15)


def test_of_people_who_count_alike_the_standard_error_is_the_usual_one() -> None:
    rng, unit = np.random.default_rng(0), np.repeat(np.arange(9), np.arange(1, 10))
    apart = rng.standard_normal(45)
    table = compared(np.stack([apart, np.zeros(45)]), unit, np.full(45, 1 / 45))
    residual = np.bincount(unit, apart - apart.mean())
    assert table["se"].max() == pytest.approx(np.sqrt((residual**2).sum() * 9 / 8) / 45)


def test_a_group_of_one_picture_has_no_choice_of_its_own() -> None:
    """However many people are in it: they are one draw of the group."""
    people = pd.DataFrame({"group": ["crowd"] * 5 + ["few"] * 2 + ["many"] * 5 + [None]})
    found = labelled_groups(people, np.array([*"aaaaa", *"bc", *"ddeef", "g"]), 5)
    assert found.reset_index().to_numpy().tolist() == [
        ["crowd", 5, 1, False],
        ["few", 2, 2, False],
        ["many", 5, 3, True],
    ]


@pytest.mark.parametrize(
    ("above", "se", "expected"),
    [
        ([0.0, 0.02, 0.03], [0.0, 0.01, 0.01], Chosen(100, 2)),  # the best alone
        ([0.0, 0.02, 0.03], [0.0, 0.03, 0.01], Chosen(250, 2)),  # of equals the latest
        ([0.0, 0.0, 0.03], [0.0, 0.0, 0.04], Chosen(250, 1)),  # and the fewest steps
    ],
)
def test_of_those_that_cannot_be_told_apart_the_latest(
    above: list[float], se: list[float], expected: Chosen
) -> None:
    table = pd.DataFrame({"above": above, "se": se})
    assert select(table, [Chosen(100, 2), Chosen(250, 2), Chosen(250, 1)]) == expected


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.floats(0, 1e6))
def test_a_group_is_drawn_towards_everybody(inside: int, outside: int, strength: float) -> None:
    member = np.r_[np.ones(inside, bool), np.zeros(outside, bool)]
    weights = shrunk_weights(member, strength)
    assert weights.sum() == pytest.approx(1) and (weights >= 0).all()
    assert weights[0] >= weights[-1] - 1e-12
    if strength == 0:
        assert weights[-1] == 0


def test_groups_are_refined_by_their_own_choice() -> None:
    choice = Choice(Chosen(250, 2), {"a": Chosen(100, 2), "b": Chosen(250, 2)})
    parts = choice.parts(np.array(["a", "b", "", "a", "unknown"], object))
    assert [(one.timestep, rows.tolist()) for one, rows in parts] == [
        (100, [0, 3]),
        (250, [1, 2, 4]),
    ]


# From files to files


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def labels(study: Study) -> Path:
    path = study.folder / "labels.parquet"
    write_table(split_labels(read_annotated(study.manifest), 50, 0.2, 0), path)
    return path


@pytest.fixture(scope="module")
def folds(study: Study, labels: Path) -> list[Path]:
    folders = [study.folder / f"fold-{number}" for number in range(2)]
    for number, folder in enumerate(folders):
        training = DIFFUSION.without_fold(number, 2)
        assert training.recipe == DIFFUSION.recipe  # as far trained as that on all
        files = pictures_of(study, labels)
        train_diffusion_model(*files, None, training, 0, CPU, folder, study.manifest)
    return folders


def choose(
    study: Study, labels: Path, folds: list[Path], out: Path, prior: Path | None = None
) -> Path:
    files = (folds, study.samples, study.manifest, labels, prior or study.prior)
    choose_timestep(*files, SETTINGS, ABOUT, 0, CPU, out)
    return out


def test_held_out_people_are_not_learned_from(
    study: Study, labels: Path, folds: list[Path]
) -> None:
    shown = read_shown(labels)
    everybody, _ = targets(shown, LABELLED)
    parts = [held_out(study.manifest, labels, Fold(number, 2), 0) for number in range(2)]
    assert sorted(np.concatenate(parts)) == everybody.tolist()
    counts = [read_json(folder / "model.json")["people"]["labelled"] for folder in folds]
    assert counts == [len(everybody) - len(part) for part in parts]


def test_a_choice_says_how_every_candidate_did(
    study: Study, labels: Path, folds: list[Path], tmp_path: Path
) -> None:
    content = read_json(choose(study, labels, folds, tmp_path / "choice.json"))
    pairs = [(row["timestep"], row["steps"]) for row in content["rows"]]
    assert pairs == [(100, 1), (100, 2), (250, 1), (250, 2)]
    assert min(row["above"] for row in content["rows"]) == 0
    shown = read_shown(labels)
    known = [len(targets(shown, role)[0]) for role in (LABELLED, VALIDATION)]
    assert content["people"] == {"held out": sum(known), "validation": known[1]}
    assert read_choice(tmp_path / "choice.json").whole == Chosen(**content["chosen"])
    assert set(read_sweeps([tmp_path / "choice.json"])["set"]) == {"held out"}  # as reports read it
    again = choose(study, labels, folds, tmp_path / "again.json")
    assert again.read_bytes() == (tmp_path / "choice.json").read_bytes()


def test_labels_of_a_choice_are_those_of_its_number(
    study: Study, labels: Path, folds: list[Path], tmp_path: Path
) -> None:
    choice = choose(study, labels, folds, tmp_path / "choice.json")
    chosen = read_choice(choice).whole
    files = ("unlabelled", study.samples, study.prior, folds[0])

    def made(name: str, timestep: int | str, steps: int | None, choice: Path | None) -> np.ndarray:
        how = replace(LABELS, refine=replace(REFINE, timestep=timestep, steps=steps))
        out = tmp_path / f"{name}.h5"
        make_labels("gcdr", study.manifest, labels, *files, how, 0, CPU, out, choice)
        return read_labels(out, people_digest(read_people(study.manifest))).heatmap

    by_choice = made("auto", AUTO, None, choice)
    assert (by_choice == made("number", chosen.timestep, chosen.steps, None)).all()
    with pytest.raises(InputError, match="found auto and no choice"):
        made("without", AUTO, None, None)


def test_labels_say_how_far_off_they_are_expected_to_be(
    study: Study, labels: Path, folds: list[Path], tmp_path: Path
) -> None:
    choice = choose(study, labels, folds, tmp_path / "choice.json")
    content = read_json(choice)
    held = content["people"]["held out"]
    assert (content["reliability"] is None) == (held < LEAST)
    line = Reliability(0.1, 0.2, 0.3, typical=0.4, least=0.05, people=30)
    write_sealed(choice, content | {"reliability": line.to_json()})
    how = replace(LABELS, refine=replace(REFINE, timestep=AUTO, steps=None))
    files = ("unlabelled", study.samples, study.prior, folds[0], how, 0, CPU, tmp_path / "l.h5")
    make_labels("gcdr", study.manifest, labels, *files, choice)
    made = read_labels(tmp_path / "l.h5", people_digest(read_people(study.manifest))).columns
    apart = np.nan_to_num(made["prior_distance"], nan=0.4)
    with h5py.File(tmp_path / "l.h5") as store:
        assert "groups" not in json.loads(store.attrs["made_by"])
    assert made["expected_error"] == pytest.approx(0.1 + 0.2 * made["entropy"] + 0.3 * apart)


def test_a_label_store_says_which_groups_had_timesteps_of_their_own(
    study: Study, labels: Path, folds: list[Path], tmp_path: Path
) -> None:
    choice = choose(study, labels, folds, tmp_path / "choice.json")
    own = {"timestep": 100, "steps": 1}
    write_sealed(choice, read_json(choice) | {"groups": {"show": own | {"people": 30}}})
    how = replace(LABELS, refine=replace(REFINE, timestep=AUTO, steps=None))
    files = ("unlabelled", study.samples, study.prior, folds[0], how, 0, CPU, tmp_path / "l.h5")
    make_labels("gcdr", study.manifest, labels, *files, choice)
    with h5py.File(tmp_path / "l.h5") as store:
        assert json.loads(store.attrs["made_by"])["groups"] == {"show": own}


def test_a_choice_of_other_labels_is_refused(
    study: Study, labels: Path, folds: list[Path], tmp_path: Path
) -> None:
    path = choose(study, labels, folds, tmp_path / "choice.json")
    content = read_json(path)
    content["split"]["labelled"] = "of others"
    written = json.loads(path.read_text())
    path.write_text(json.dumps(written | {"split": content["split"]}))
    with pytest.raises(InputError, match=r"choice\.json: its content is not what was written"):
        read_choice(path)
    write_sealed(path, content)
    how = replace(LABELS, refine=replace(REFINE, timestep=AUTO, steps=None))
    files = ("unlabelled", study.samples, study.prior, folds[0], how, 0, CPU, tmp_path / "l.h5")
    with pytest.raises(InputError, match=r"choice\.json: made under another label split"):
        make_labels("gcdr", study.manifest, labels, *files, tmp_path / "choice.json")


def test_models_of_another_fold_are_refused(
    study: Study, labels: Path, folds: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(
        InputError, match=r"fold-1: found a model of the fold .*expected .*'held_out': 0"
    ):
        choose(study, labels, folds[::-1], tmp_path / "choice.json")


def test_folds_start_from_nothing_that_has_seen_these_labels(
    study: Study, labels: Path, tmp_path: Path
) -> None:
    files = pictures_of(study, labels)
    train_gaze_model(*files, None, None, None, GAZE, 0, CPU, tmp_path / "vat")
    where = (0, CPU, tmp_path / "fold", study.manifest)
    with pytest.raises(InputError, match="vat: has learned from labels of this data set"):
        train_diffusion_model(*files, tmp_path / "vat", DIFFUSION.without_fold(0, 2), *where)
    train_diffusion_model(*files, tmp_path / "vat", DIFFUSION, *where)  # who labels may have


def test_a_fold_takes_as_many_steps_where_passes_are_counted() -> None:
    recipe = replace(DIFFUSION.recipe, steps=None, epochs=12, decay_at=(8,))
    counted = replace(DIFFUSION, recipe=recipe).without_fold(1, 4).recipe
    assert (counted.epochs, counted.decay_at) == (16, (11,))
    assert counted.length(per_epoch=7.5) == recipe.length(per_epoch=10)


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ("nan", "no labelled person has a map"),
        ("flat", "no labelled person"),
        ("equal", "are the same"),
    ],
)
def test_priors_that_say_nothing_are_refused(
    study: Study, labels: Path, folds: list[Path], tmp_path: Path, maps: str, message: str
) -> None:
    people = read_people(study.manifest)
    one = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    made = {"nan": np.full((8, 8), np.nan), "flat": np.ones((8, 8)), "equal": one}[maps]
    prior = tmp_path / "prior.h5"
    write_prior(
        prior,
        people["sample_id"].to_numpy(),
        np.repeat(made[None, None], len(people), 0).astype(np.float32),
        np.full(len(people), maps != "nan"),
        {"answer": [""] * len(people)},
        layers=[1],
        people=people_digest(people),
        made_by={},
    )
    with pytest.raises(InputError, match=message):
        choose(study, labels, folds, tmp_path / "choice.json", prior)
    assert not (tmp_path / "choice.json").exists()


@pytest.mark.parametrize("family", [None, "diffusion"])
def test_a_prior_that_is_the_same_for_all_makes_no_labels(
    study: Study, labels: Path, folds: list[Path], tmp_path: Path, family: str | None
) -> None:
    """With a timestep by number as with one that labels choose, and without a diffusion model."""
    people, prior = read_people(study.manifest), tmp_path / "prior.h5"
    one = np.random.default_rng(0).random((1, 1, 8, 8)).astype(np.float32)
    ids = people["sample_id"].to_numpy()
    columns = {"answer": [""] * len(people)}
    about = {"layers": [1], "people": people_digest(people), "made_by": {}}
    write_prior(prior, ids, one.repeat(len(ids), 0), np.ones(len(ids), bool), columns, **about)
    how = LABELS if family else replace(LABELS, family=None, refine=None)
    files = ("all", study.samples, prior, folds[0] if family else None)
    with pytest.raises(InputError, match=r"prior\.h5: the maps of all \d+ people are the same"):
        make_labels("m", study.manifest, labels, *files, how, 0, CPU, tmp_path / "labels.h5")


def test_fewer_pictures_than_folds_are_refused(study: Study, labels: Path) -> None:
    people, shown = read_people(study.manifest), read_shown(labels)
    with pytest.raises(
        InputError, match=r"expected at least 100, one a fold \(refine\.auto\.folds\)"
    ):
        labelled_folds(people, shown, 100, 0)


@pytest.mark.parametrize(
    "content",
    [[], {}, {"format": 2, "chosen": {}}, {"format": 1, "chosen": {"timestep": 9}}]
    + [
        {"format": 1, "chosen": {"timestep": 9, "steps": 2}, "groups": groups}
        for groups in (None, [], [1], "a", {"a": None}, {"a": [9, 2]}, {"a": {}})
    ],
)
def test_what_is_no_choice_is_named(tmp_path: Path, content: object) -> None:
    write_json(tmp_path / "choice.json", content)
    with pytest.raises(InputError, match=r"choice\.json"):
        read_choice(tmp_path / "choice.json")


@pytest.mark.parametrize("timestep", [AUTO, 250, None])
def test_settings_travel_as_json(timestep: int | str | None) -> None:
    how = replace(SETTINGS, refine=replace(SETTINGS.refine, timestep=timestep))
    assert ChoiceSettings.from_json(how.to_json()) == how


@pytest.mark.parametrize("timestep", ["late", 2.5, True])
def test_other_words_than_auto_are_no_timestep(timestep: object) -> None:
    content = SETTINGS.refine.to_json() | {"timestep": timestep}
    with pytest.raises(InputError, match=r"timestep: found .*, expected int or \['auto'\]"):
        type(REFINE).from_json(content)
