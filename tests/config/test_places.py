"""Places that a configuration names and that are not for what they are named for."""

from pathlib import Path

import pytest
from snakemake.exceptions import WorkflowError
from workflow_runs import check_overlay

from gcdr.datasets.layout import DATASET_KINDS


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


@pytest.mark.parametrize("kind", [kind for kind in DATASET_KINDS if kind != "folder"])
def test_a_root_without_annotations_is_refused(kind: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    overlay = (
        f"datasets: {{x: {{kind: {kind}, root: empty}}}}\nstudies: {{x: {{dataset: x, seed: 0}}}}\n"
    )
    with pytest.raises(WorkflowError) as caught:
        check_overlay(f"{overlay}report: {{studies: [x]}}\n", tmp_path)
    lacking = f"found no annotations of the kind {kind} in empty"
    lacking = "empty: found no film; expected video files" if kind == "video" else lacking
    assert f"datasets.x.root: {lacking}" in str(caught.value)


def test_a_show_that_is_not_there_is_refused(tmp_path: Path) -> None:
    track = tmp_path / "film/annotations/train/Cheers/1_9/s00.txt"
    track.parent.mkdir(parents=True)
    track.write_text("")
    overlay = (
        "datasets: {x: {kind: videoattentiontarget, root: film, "
        "shows: [cheers], validation_shows: [Suits]}}\n"
        "studies: {x: {dataset: x, seed: 0}}\nreport: {studies: [x]}\n"
    )
    with pytest.raises(WorkflowError) as caught:
        check_overlay(overlay, tmp_path)
    assert "datasets.x.shows: no show 'cheers'; there are 'Cheers'" in str(caught.value)
    assert "datasets.x.validation_shows: no show 'Suits' among those for training" in str(
        caught.value
    )


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["weights", "../shared", "my/weights"])
def test_folders_of_their_own_are_taken(folder: str, tmp_path: Path) -> None:
    check_overlay(f"downloads: {{folder: {folder}}}", tmp_path)
