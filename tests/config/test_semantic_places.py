"""The vocabulary and the towers that a configuration names: looked at before anything runs."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest
from small_weights import write_like
from snakemake.exceptions import WorkflowError
from workflow_runs import check_overlay

from gcdr.config.people_checks import MOST_DRAWN
from gcdr.priors.region_namers import NAMERS
from gcdr.priors.tower_files import REGION_TYPES

WORLD = Path(__file__).parents[2] / "assets/world"


def said(overlay: str, folder: Path) -> str:
    """What a configuration with these ``semantics`` is refused for."""
    with pytest.raises(WorkflowError) as caught:
        accept(overlay, folder)
    return str(caught.value)


def accept(overlay: str, folder: Path) -> None:
    """Check a configuration with these ``semantics`` in a folder of its own."""
    check_overlay(f"semantics: {{{overlay}}}", Path(tempfile.mkdtemp(dir=folder)))


def test_vocabularies_are_read(tmp_path: Path) -> None:
    assert "semantics.vocabulary: nope.txt: no such file" in said("vocabulary: nope.txt", tmp_path)
    for name, content, fault in (
        ("twice.txt", b"cup\ncup\n", "found 'cup' 2 times, expected once"),
        ("latin.txt", "caf\u00e9\n".encode("latin-1"), "expected UTF-8 text"),
        ("order.json", b'{"b": 0, "a": 1}', "numbers must follow the alphabetical order"),
    ):
        (tmp_path / name).write_bytes(content)
        found = said(f"vocabulary: {tmp_path / name}", tmp_path)
        assert f"semantics.vocabulary: {tmp_path / name}: found " in found and fault in found
    (tmp_path / "words.txt").write_text("cup\nball\n")
    accept(f"vocabulary: {tmp_path / 'words.txt'}", tmp_path)


def test_towers_are_looked_at(tmp_path: Path) -> None:
    assert "semantics.tower: nope: no config.json" in said("tower: nope", tmp_path)
    tower = tmp_path / "tower"
    shutil.copytree(WORLD / "vqa", tower)
    accept(f"tower: {tower}", tmp_path)
    seen = said(f"tower: {tower}, two_stage: [crop]", tmp_path)
    assert f"semantics.tower: {tower}: no CLIP with an image tower" in seen
    (tower / "vocab.json").unlink()
    assert f"semantics.tower: {tower}: no vocab.json, exp" in said(f"tower: {tower}", tmp_path)
    (tower / "model.safetensors").unlink()
    assert f"semantics.tower: {tower}: no model.safetensors" in said(f"tower: {tower}", tmp_path)
    (tower / "config.json").write_text(json.dumps({"model_type": "bert"}))
    assert "found the model type 'bert', expected clip" in said(f"tower: {tower}", tmp_path)


def test_the_detector_of_names_is_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / "owl"
    asked, key = f"detector: {{weights: {folder}}}", f"semantics.detector.weights: {folder}: "
    assert f"{key}found no config.json" in said(asked, tmp_path)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    assert f"{key}found bert, expected a model in" in said(asked, tmp_path)
    (folder / "config.json").write_text(json.dumps({"model_type": "owlv2"}))
    found = said(asked, tmp_path)
    assert f"{key}no model.safetensors" in found and f"{key}no preprocessor_config.json" in found
    (folder / "model.safetensors").touch()
    (folder / "processor_config.json").touch()
    accept(asked, tmp_path)
    (folder / "config.json").write_text(json.dumps({"model_type": "sam"}))
    assert "semantics.tower: assets/world/vqa: no CLIP with an image" in said(asked, tmp_path)
    assert set(NAMERS) == set(REGION_TYPES)


def test_image_towers_are_looked_at(tmp_path: Path) -> None:
    found = said("image_tower: nope", tmp_path)
    assert "semantics.image_tower: nope: no CLIP with an image tower" in found
    accept(f"image_tower: {WORLD / 'frozen'}, two_stage: [tuned-crop]", tmp_path)


def test_untuned_second_stages_name_in_the_space_of_the_names_alone(tmp_path: Path) -> None:
    """An image tower beside another text tower, of whatever width, says nothing without tuning."""
    frozen, key = f"image_tower: {WORLD / 'frozen'}", "semantics.two_stage: found "
    found = said(f"{frozen}, two_stage: [crop, tuned-mask]", tmp_path)
    assert f"{key}crop with image_tower" in found and "whose space is no text tower's" in found
    assert "expected tuned-crop, or image_tower null" in found
    clips = []
    for name in ("clip", "other"):
        (folder := tmp_path / name).mkdir()
        (folder / "config.json").write_text(json.dumps({"model_type": "clip", "vision_config": {}}))
        for file in ("model.safetensors", "vocab.json", "merges.txt"):
            (folder / file).touch()
        clips.append(folder)
    found = said(f"tower: {clips[0]}, image_tower: {clips[1]}, two_stage: [blur]", tmp_path)
    assert f"{key}blur with image_tower {clips[1]}, whose space is that of its own" in found
    for other in (clips[0], f"{tmp_path}/other/../clip", "null"):
        accept(f"tower: {clips[0]}, image_tower: {other}, two_stage: [blur]", tmp_path)
    accept(f"tower: {clips[0]}, image_tower: {clips[1]}, two_stage: [tuned-blur]", tmp_path)


def test_who_learns_names_by_answers_needs_a_prior_that_answers(tmp_path: Path) -> None:
    (tmp_path / "dots.csv").write_text("image,x,y\ntest/000001.jpg,20,20\n")
    (tmp_path / "things.csv").write_text("image,x,y,label\ntest/000001.jpg,20,20,cup\n")
    table = f"{{kind: points, complete: false, tables: {{smoke: {tmp_path}/%s.csv}}}}"
    asked = "{kind: pointing, weights: %s, questions: {body: %s}}"
    model = tmp_path / "vlm"
    model.mkdir()
    write_like(model / "model.safetensors", "vlm")
    (model / "config.json").write_text('{"model_type": "qwen3_vl"}')
    overlay = (
        "datasets: {smoke: {train_people: %d}}\n"
        "gaze: {models: {learner: {kind: semgaze, size: world, names: answers}}}\n"
        "report: {methods: [{method: gcdr, gaze: learner, prior: other}]}\n"
        "priors: {other: %s}\n"
    )
    for prior, names in (
        (table % "dots", False),
        (table % "things", True),
        (asked % (model, "Where - as a point in JSON."), False),
        (asked % (model, '\'Where? As JSON: "point_2d" and "label".\''), True),
    ):
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        if names:
            check_overlay(overlay % (MOST_DRAWN, prior), folder)
            continue
        with pytest.raises(
            WorkflowError, match=r"gaze\.models\.learner learns names by answers, and prior"
        ):
            check_overlay(overlay % (MOST_DRAWN, prior), folder)
