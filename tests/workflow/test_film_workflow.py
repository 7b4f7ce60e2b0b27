"""Own films in the workflow, as far as the label split."""

import pandas as pd
import pytest
from moving_world import moving_world, write_film, write_heads_of
from workflow_runs import SMOKE, Workspace

FILM = """
datasets: {film: {kind: video, root: films, annotations: films/heads.csv, every: 2, drawn: true}}
studies: {film: {dataset: film, seed: 0, share: null}}
report: {studies: [film]}
"""
PEOPLE, LABELS = "results/data/film/manifest.parquet", "results/film/labelsown-seed0/labels.parquet"
CONFIGS = (SMOKE, "film.yaml")


@pytest.fixture
def with_film(workspace: Workspace) -> Workspace:
    """A film of ten frames, in three of which a person has a label."""
    images, boxes = zip(*moving_world(10, index=4), strict=True)
    (workspace.folder / "films").mkdir()
    write_film(workspace.folder / "films/party.mp4", images)
    table = write_heads_of(workspace.folder / "films/heads.csv", boxes, images[0].size)
    labelled = pd.read_csv(table).query("track == 'a'")
    labelled.loc[labelled["frame"] < 6, ["gaze_x", "gaze_y"]] = 0.5, 0.25
    labelled.to_csv(table, index=False)
    workspace.write("film.yaml", FILM)
    return workspace


def test_a_film_is_decoded_once_and_read_whenever_labels_change(with_film: Workspace) -> None:
    folder = with_film.folder
    check = with_film.planned("results/data/film/check.txt", configs=CONFIGS)
    assert check == {"frames": 1, "read": 1}  # what docs/datasets.md says of it
    run = with_film.snakemake(PEOPLE, LABELS, configs=CONFIGS)
    assert run.returncode == 0, run.stdout[-4000:]
    people = pd.read_parquet(folder / PEOPLE)
    assert people["image"].tolist() == [f"party/{number:06d}.jpg" for number in range(0, 10, 2)]
    assert people["track"].eq("a").all() and "gaze_x" not in people
    roles = pd.read_parquet(folder / LABELS)["role"].value_counts()
    assert roles["unlabelled"] == 2 and roles.sum() == 5
    said = (folder / "results/data/film/check.txt").read_text()
    assert "party.mp4: 5 of 10 frames taken" in said
    assert "2 × of a frame that was not taken" in said
    assert "3 × with a label, of a frame that was not taken" in said
    assert with_film.planned(PEOPLE, LABELS, configs=CONFIGS) == {}

    table = folder / "films/heads.csv"
    table.write_text(table.read_text().replace("0.25", "0.75"))
    assert with_film.planned(PEOPLE, LABELS, configs=CONFIGS) == {"read": 1, "split": 1}
    with_film.write("film.yaml", FILM.replace("annotations: films/heads.csv, every: 2", "fps: 5"))
    planned = with_film.planned(PEOPLE, configs=CONFIGS)
    assert planned == {"frames": 1, "film_heads": 1, "read": 1, "manifest": 1}

    (folder / "films/cut.mp4").write_bytes((folder / "films/party.mp4").read_bytes()[:600])
    run = with_film.snakemake("-n", PEOPLE, configs=CONFIGS)
    assert run.returncode != 0 and "datasets.film.root: " in run.stdout
    assert "films/cut.mp4: not a readable video (cut off: the index of its frames" in run.stdout
