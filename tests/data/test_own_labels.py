"""A few labels of one's own among many people: who is labelled, what is checked, and what is trained."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from small_weights import write_like
from tiny_study import CPU, DIFFUSION, GAZE, make_study, pictures_of
from tiny_study import LABELS as HOW
from workflow_runs import FEWER, ROOT, Workspace

from gcdr.base.errors import InputError
from gcdr.config.generated import read_schema
from gcdr.config.preflight import asked_recipes, check_references, recipe_problems, used_studies
from gcdr.config.schema import by_share, study_share, validate_config
from gcdr.data.manifest import BOX, LABELS, read_annotated, write_table
from gcdr.data.split import LABELLED, UNLABELLED, VALIDATION, split_labels
from gcdr.data.split_name import OWN
from gcdr.refine.labels import make_labels
from gcdr.report.page import summary_text
from gcdr.training.denoising import train_diffusion_model
from gcdr.training.gaze import train_gaze_model
from gcdr.world.render import render
from gcdr.world.scene import draw_scene
from gcdr.world.style import STYLES

SMOKE = "configs/smoke.yaml"
MINE = """
datasets: {mine: {kind: folder, images: photos, table: photos/heads.csv, drawn: true}}
studies: {mine: {dataset: mine, seed: 0, teacher: mine}}
report: {name: mine, studies: [mine], methods: [vat, gcdr]}
galleries: [mine]
split: {share: null}
"""


# Who is labelled


def folk(labelled: list[bool], each: int = 2) -> pd.DataFrame:
    """Training people, ``each`` in an image, some of whom have a label."""
    has = np.array(labelled)
    return pd.DataFrame(
        {
            "sample_id": np.arange(len(has)),
            "image": [f"{row // each:04d}.jpg" for row in range(len(has))],
            "split": "train",
            "gaze_x": np.where(has, 0.5, np.nan),
            "gaze_y": np.where(has, 0.5, np.nan),
            "in_frame": pd.array([True if one else pd.NA for one in has], "boolean"),
            "label": None,
        }
    )


@pytest.mark.slow
@given(
    st.lists(st.booleans(), min_size=2, max_size=60),
    st.integers(0, 9),
    st.sampled_from([0, 0.2, 0.5]),
    st.sampled_from(["image", "person"]),
)
def test_who_has_a_label_is_labelled_and_all_others_are_the_pool(
    has: list[bool], seed: int, validation: float, by: str
) -> None:
    has[:2] = [True, True]  # in one image, so that somebody is left beside validation
    labels = split_labels(folk(has), None, validation, seed, by).set_index("sample_id")
    assert (labels["role"] != UNLABELLED).tolist() == has
    assert labels.loc[labels["role"] == UNLABELLED, LABELS].isna().all(axis=None)
    assert labels["role"].eq(VALIDATION).sum() <= sum(has) * validation + 2  # an image more


def test_eight_of_eighty() -> None:
    has = [row % 10 == 3 for row in range(80)]
    labels = split_labels(folk(has), None, 0.2, 0)
    assert labels["role"].value_counts().to_dict() == {UNLABELLED: 72, LABELLED: 7, VALIDATION: 1}
    fewer = split_labels(folk(has), None, 0.2, 0, unlabelled=50)
    assert fewer["role"].eq(UNLABELLED).sum() < 72 and fewer["role"].ne(UNLABELLED).sum() == 8


def test_who_looks_out_of_the_frame_has_a_label_but_is_not_enough() -> None:
    table = folk([False] * 6)
    with pytest.raises(InputError, match="share null: 0 training people have a label"):
        split_labels(table, None, 0, 0)
    table.loc[0, "in_frame"] = False
    with pytest.raises(InputError, match="share null: 1 training people have a label"):
        split_labels(table, None, 0, 0)
    table.loc[5, ["gaze_x", "gaze_y"]] = 0.5
    labels = split_labels(table, None, 0, 0)
    assert labels["role"].ne(UNLABELLED).tolist() == [True, False, False, False, False, True]


def test_people_of_a_pool_without_a_label_are_used_only_if_named() -> None:
    table = folk([True, False, True, False, False, False])
    table["split"] = ["labelled", "labelled", "train", "train", "unlabelled", "unlabelled"]
    labels = split_labels(table, None, 0, 0, "person").set_index("sample_id")["role"]
    assert labels.to_dict() == {0: LABELLED, 2: LABELLED} | dict.fromkeys((3, 4, 5), UNLABELLED)


# What is trained


@pytest.mark.slow
def test_eight_of_eighty_people_train_teachers_and_student(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(tmp_path / "study", train=80)
    people = read_annotated(study.manifest)
    train = people[(people["split"] == "train") & people["gaze_x"].notna()]
    hidden = (people["split"] == "train") & ~people["sample_id"].isin(train["sample_id"][:8])
    people.loc[hidden, LABELS] = None
    manifest, labels = tmp_path / "manifest.parquet", tmp_path / "labels.parquet"
    write_table(people, manifest)
    write_table(split_labels(read_annotated(manifest), None, 0.2, 0), labels)
    gaze = replace(GAZE, recipe=replace(GAZE.recipe, batch=64), labelled_per_batch=16)
    diffusion = replace(DIFFUSION, recipe=replace(DIFFUSION.recipe, batch=32))
    vat, denoiser, student = (tmp_path / name for name in ("vat", "diffusion", "student"))
    train_gaze_model(*pictures_of(study, labels), None, None, None, gaze, 0, CPU, vat)
    train_diffusion_model(*pictures_of(study, labels), vat, diffusion, 0, CPU, denoiser)
    pseudo = tmp_path / "gcdr.h5"
    given = (study.samples, study.prior, denoiser, HOW, 0, CPU, pseudo)
    make_labels("gcdr", manifest, labels, "unlabelled", *given)
    train_gaze_model(*pictures_of(study, labels), pseudo, None, None, gaze, 0, CPU, student)
    assert (student / "model.safetensors").exists()
    said = capsys.readouterr().out
    assert "found 7 labelled people for 64 places" in said
    assert "found 7 labelled people for 16 places" in said


# What is checked


def configuration(**changes: Any) -> dict[str, Any]:
    """The smoke configuration with nested changes."""
    overlay = yaml.safe_load((ROOT / SMOKE).read_text())
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    return merged(merged(config, overlay), changes)


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Tables merged key by key, as Snakemake merges configurations."""
    both = {k: merged(v, changes[k]) for k, v in base.items() if isinstance(v, dict) and k in changes
            and isinstance(changes[k], dict)}  # fmt: skip
    return base | changes | both


def complaint(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> str:
    """What is said of the smoke configuration with changes; nothing if it is right."""
    monkeypatch.chdir(ROOT)
    config = configuration(**changes)
    validate_config(config, read_schema(Path("workflow/schemas/config.schema.yaml")))
    try:
        check_references(config)
    except InputError as error:
        return str(error)
    return ""


SMALL = {
    "gaze": {"recipe": {"batch": 8}, "labelled_per_batch": 4},
    "diffusion": {"recipe": {"batch": 4}},
}


@pytest.mark.slow
def test_methods_that_nobody_asked_for_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert complaint(monkeypatch, **SMALL) == ""
    asked = {"report": {"methods": ["vat", "vat-mt", "gcdr-mt"]}}
    said = complaint(monkeypatch, **SMALL, **asked)
    assert "gaze.mean_teacher.labelled_per_batch: found 8" in said
    assert "diffusion.mean_teacher.labelled_per_batch: found 8" in said
    alone = {"gaze": {"recipe": {"batch": 8}}}  # students alone have places of their own
    assert complaint(monkeypatch, **alone, report={"methods": ["vat", "vat-gc"]}) == ""
    assert "gaze.labelled_per_batch" in complaint(monkeypatch, **alone)
    mapping = {"diffusion": {"mapping": {"steps": None}}}
    assert complaint(monkeypatch, **mapping) == ""
    asked = {"report": {"methods": ["direct-mapping"]}}
    assert "diffusion.mapping: found" in complaint(monkeypatch, **mapping, **asked)


def test_what_is_asked_for() -> None:
    plain = {"methods": ["vat", "semi-vat"]}  # without a method that takes it, no diffusion model
    assert asked_recipes(configuration(report=plain)) == ["gaze.recipe", "gaze.teacher"]
    later = asked_recipes(configuration(report=plain | {"student_timesteps": [100]}))
    assert later == asked_recipes(configuration(report={"methods": ["vat", "gcdr"]}))
    assert later == ["diffusion.recipe", "gaze.recipe", "gaze.teacher"]
    gallery = {"galleries": ["mine"], "report": {"studies": []}}
    teacher = {"studies": {"mine": {"dataset": "smoke", "seed": 0, "teacher": "smoke"}}}
    config = configuration(**gallery, **teacher)
    assert asked_recipes(config) == ["diffusion.recipe", "gaze.recipe"]
    assert set(used_studies(config)) == {"mine", "smoke"}
    config["studies"]["smoke"]["init"] = {"study": "demo", "model": "vat-mt"}
    assert "gaze.mean_teacher" in asked_recipes(config) and "demo" in used_studies(config)
    config["gaze"]["recipe"]["batch"] = 4
    assert len(recipe_problems(config, ["gaze.mean_teacher", "gaze.recipe"])) == 2
    assert recipe_problems(config, ["gaze.teacher"]) == []


@pytest.mark.slow
def test_own_labels_and_shares_of_studies(monkeypatch: pytest.MonkeyPatch) -> None:
    said = complaint(monkeypatch, split={"share": None})
    assert "split.share: null leaves study smoke nobody without a label" in said  # all are drawn
    assert complaint(monkeypatch, split={"share": 100}, report={"methods": ["vat"]}) == ""
    said = complaint(monkeypatch, studies={"smoke": {"share": 100}})
    assert "studies.smoke.share: 100 leaves study smoke nobody without a label" in said
    two = {"report": {"studies": ["smoke", "demo"]}, "studies": {"demo": {"share": 50}}}
    said = complaint(monkeypatch, **two)
    assert "report.studies: found label shares smoke 25, demo 50; expected one" in said
    assert complaint(monkeypatch, studies={"demo": {"share": 100}}) == ""  # nobody uses it
    config = configuration(studies={"demo": {"share": None}})
    assert [study_share(config, name) for name in ("smoke", "demo")] == [25, OWN]
    assert by_share({"5": 200, "default": 250}, OWN) == 250


@pytest.mark.slow
def test_first_weights_from_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    start = {"studies": {"smoke": {"init": "assets/world/backbone"}}}
    assert complaint(monkeypatch, **start) == ""
    said = complaint(monkeypatch, studies={"smoke": {"init": "nowhere"}})
    assert "studies.smoke.init: no file nowhere/model.safetensors" in said
    with pytest.raises(InputError, match=r"studies\.smoke\.init.*a path .*, or"):
        complaint(monkeypatch, studies={"smoke": {"init": 3}})


# The workflow


def write_photos(folder: Path, train: int, test: int, labelled: int) -> None:
    """Drawn scenes as photographs with a table: so many training people have a label, all test people."""
    (folder / "photos").mkdir()
    rows = [f"image,{','.join(BOX)},gaze_x,gaze_y,split"]
    counts, index = {"train": 0, "test": 0}, 0
    while counts["test"] < test:
        scene = draw_scene(815, index, STYLES["gaze"])
        split = "train" if counts["train"] < train else "test"
        kept = [one for one in scene.people if one.gaze][: train - counts["train"] or None]
        Image.fromarray(render(scene, 160, 120)).save(folder / f"photos/{index}.png")
        for person in kept:
            box = np.round(np.array(person.head_box) * [160, 120, 160, 120], 2)
            shown = split == "test" or counts["train"] < labelled
            gaze = person.gaze if shown else ("", "")
            rows.append(",".join(map(str, [f"{index}.png", *box, *gaze, split])))
            counts[split] += 1
        index += 1
    (folder / "photos/heads.csv").write_text("\n".join(rows) + "\n")


def test_plan_of_own_labels(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write("mine.yaml", MINE)
    workspace.write("photos/heads.csv", f"image,{','.join(BOX)}\na.jpg,1,1,9,9\n")
    run = workspace.snakemake("-n", "-p", configs=(SMOKE, "mine.yaml"))
    assert run.returncode == 0, run.stdout[-4000:]
    assert "results/mine/labelsown-seed0/labels.parquet" in run.stdout
    assert '"share": null' in run.stdout
    assert '"share": "own"' in run.stdout
    assert "results/mine/labelsown-seed0/students/gcdr-t250-n2-k1" in run.stdout
    # A target asks for what the configuration does not; then its recipe is looked at.
    workspace.write("small.yaml", "gaze: {recipe: {batch: 8}, labelled_per_batch: 4}\n")
    target = "results/mine/labelsown-seed0/teachers/vat-mt+vat/model.safetensors"
    run = workspace.snakemake("-n", target, configs=(SMOKE, "mine.yaml", "small.yaml"))
    assert run.returncode != 0
    assert "gaze.mean_teacher.labelled_per_batch: found 8, expected less than" in run.stdout


@pytest.mark.slow
def test_eight_of_eighty_people_go_through_the_whole_workflow(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write("mine.yaml", MINE)
    workspace.write("fewer.yaml", FEWER)
    write_photos(tmp_path, 80, 6, 8)
    run = workspace.snakemake(configs=(SMOKE, "mine.yaml", "fewer.yaml"))
    assert run.returncode == 0, run.stdout[-4000:]
    labels = pd.read_parquet(tmp_path / "results/mine/labelsown-seed0/labels.parquet")
    assert labels["role"].ne(UNLABELLED).sum() == 8 and len(labels) == 80
    log = tmp_path / "logs/mine/labelsown-seed0/teachers/vat+vat.log"
    assert "labelled people for 32 places" in log.read_text()
    page = (tmp_path / "results/mine/report.html").read_text()
    trained = labels["role"].eq(LABELLED).sum()
    assert f"own labels are used ({trained} of 80 training people, beside those for" in page
    assert (tmp_path / "results/mine/predictions.csv").exists()


def test_a_study_starts_from_another_as_it_is(tmp_path: Path) -> None:
    """A study named in init keeps its share, and a folder below results is not made again."""
    workspace = Workspace(tmp_path)
    workspace.write(
        "next.yaml",
        "studies: {smoke: {share: 25}, next: {dataset: smoke, seed: 1, init: {study: smoke, model: gcdr}}}\n"
        'refine: {timestep: {"25": 300, default: 250}}\n'
        "report: {name: next, studies: [next]}\nsplit: {share: 50}\n",
    )
    run = workspace.snakemake("-n", "-p", configs=(SMOKE, "next.yaml"))
    assert run.returncode == 0, run.stdout[-4000:]
    assert (
        "--init=results/smoke/labels25-seed0/students/gcdr-t300-n2-k1+ofa-world-body+vat "
        in run.stdout
    )
    assert "results/smoke/labels50" not in run.stdout
    assert "results/next/labels50-seed1/students/gcdr-t250-n2-k1" in run.stdout
    student = "results/smoke/labels25-seed0/students/gcdr-t250-n2-k1"
    write_like(workspace.folder / student / "model.safetensors", "vat")
    workspace.write("folder.yaml", f"studies: {{next: {{init: {student}}}}}\n")
    workspace.write(
        "only.yaml",
        f"studies: {{other: {{dataset: smoke, seed: 1, init: {student}}}}}\n"
        "report: {name: other, studies: [other]}\nsplit: {share: 50}\n",
    )
    run = workspace.snakemake("-n", "-p", configs=(SMOKE, "only.yaml"))
    assert run.returncode == 0, run.stdout[-4000:]
    assert f"--init={tmp_path / student}" in run.stdout
    assert "results/smoke/labels25-seed0/labels.parquet" not in run.stdout


# The report


def test_report_says_own_labels() -> None:
    row = {"study": "mine", "dataset": "own images", "share": OWN, "seed": 0, "variant": "vat",
           "method": "vat", "kind": "teacher", "people": 20}  # fmt: skip
    said = summary_text(pd.DataFrame([row]), 7, 80)
    assert (
        "The own labels are used (7 of 80 training people, beside those for validation): peo"
        in said
    )
    said = summary_text(pd.DataFrame([row | {"share": 10}]), 8, 80)
    assert "10 % of the training people (8 of 80) keep their gaze label; the others" in said


@given(
    st.lists(st.booleans(), min_size=12, max_size=80),
    st.integers(0, 9),
    st.sampled_from([None, 60]),
)
@pytest.mark.slow
def test_parts_of_labels_are_nested_and_so_are_those_set_aside(
    has: list[bool], seed: int, share: int | None
) -> None:
    has[:4] = [True] * 4
    annotated = folk(has) if share is None else folk([True] * len(has))

    def roles(part: int | None) -> pd.Series:
        try:
            labels = split_labels(annotated, share, 0.2, seed, part=part)
        except InputError:  # a part that leaves nobody
            return pd.Series(UNLABELLED, np.arange(len(has)))
        return labels.set_index("sample_id")["role"]

    for fewer, more in ((25, 50), (50, 100)):
        small, large = roles(fewer), roles(more)
        for role in (LABELLED, VALIDATION):
            assert (large[small == role] == role).all()
    pd.testing.assert_series_equal(roles(100), roles(None))
