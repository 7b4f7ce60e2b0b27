"""Places that a configuration names and that are not for what they are named for."""

from pathlib import Path

import pytest
from snakemake.exceptions import WorkflowError
from workflow_runs import check_overlay


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        (
            "downloads: {folder: src/gcdr}",
            "downloads.folder: found 'src/gcdr', which is for",
        ),
        ("downloads: {folder: ./results/../assets}", "which is for something else (assets)"),
        ("downloads: {folder: .}", "which is for something else (the working directory)"),
        (
            "studies: {smoke: {pretrained: {vat: results/smoke/labels25-seed0/teachers/vat+vat}}}",
            "studies.smoke.pretrained.vat: found results/smoke/labels25-seed0/teachers/vat+vat, which",
        ),
        (
            "studies: {smoke: {pretrained: {vat: ./results/smoke/labels25-seed0/students/x}}}",
            "which the study itself makes; expected a model from elsewhere",
        ),
    ],
)
def test_places_for_something_else_are_refused(overlay: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(WorkflowError) as caught:
        check_overlay(overlay, tmp_path)
    assert said in str(caught.value)


@pytest.mark.parametrize("kind", ["gazefollow", "videoattentiontarget", "gazelle"])
def test_a_root_without_annotations_is_refused(kind: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    overlay = (
        f"datasets: {{x: {{kind: {kind}, root: empty}}}}\nstudies: {{x: {{dataset: x, seed: 0}}}}\n"
    )
    with pytest.raises(WorkflowError) as caught:
        check_overlay(f"{overlay}report: {{studies: [x]}}\n", tmp_path)
    assert f"datasets.x.root: found no annotations of the kind {kind} in empty" in str(caught.value)


@pytest.mark.parametrize("folder", ["weights", "../shared", "my/weights"])
def test_folders_of_their_own_are_taken(folder: str, tmp_path: Path) -> None:
    check_overlay(f"downloads: {{folder: {folder}}}", tmp_path)
