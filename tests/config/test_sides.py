"""Published data sets that were unpacked by half: said before the first job."""

from pathlib import Path

import pytest
from fake_gazefollow import write_gazefollow, write_training

from gcdr.base.plain import Config
from gcdr.config.enough_checks import table_findings


def learning(root: Path) -> Config:
    return {
        "datasets": {"gf": {"kind": "gazefollow", "root": str(root)}},
        "studies": {"gf": {"dataset": "gf", "seed": 0}},
        "report": {"name": "gf", "studies": ["gf"]},
        "split": {"validation": 0, "by": "person", "released": "lists"},
        "galleries": [],
    }


@pytest.mark.parametrize("lacking", ["training", "test", ""])
def test_annotations_of_one_side_alone_are_named(tmp_path: Path, lacking: str) -> None:
    if lacking != "training":
        write_training(tmp_path, 4, (10,), size=(32, 24))
    if lacking != "test":
        write_gazefollow(tmp_path, 2, size=(32, 24))
    found = table_findings(learning(tmp_path))
    if not lacking:
        assert not found
        return
    ((one,),) = found.values()
    assert one.fatal and one.text.startswith(f"{lacking} people: {tmp_path} has annotations of ")


def test_people_of_own_films_stand_in_one_table(tmp_path: Path) -> None:
    table = tmp_path / "heads.csv"
    table.write_text("sequence,frame,track,head_x0,head_y0,head_x1,head_y1\n")
    config = learning(tmp_path)
    film = {
        "kind": "video",
        "root": str(tmp_path),
        "images": str(tmp_path),
        "annotations": str(table),
    }
    assert not table_findings({**config, "datasets": {"gf": film}})
