"""The vocabulary and the towers that a configuration names: looked at before anything runs."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest
from snakemake.exceptions import WorkflowError
from workflow_runs import check_overlay

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
