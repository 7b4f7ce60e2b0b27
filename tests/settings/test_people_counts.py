"""How many people there are, and among how many jobs they are shared."""

from pathlib import Path

import pandas as pd

from gcdr.config.checked import read_config
from gcdr.priors.kinds.registry import parse_prior
from gcdr.settings.people_counts import (
    ASSUMED,
    detection_jobs,
    people_expected,
    people_in,
    rows_of,
)

ROOT = Path(__file__).parents[2]
SMOKE, PAPER = (
    read_config([ROOT / "config.yaml", ROOT / f"configs/{name}.yaml"])
    for name in ("smoke", "gazefollow")
)


def test_people_are_those_of_the_manifest_else_of_the_entry(tmp_path: Path) -> None:
    assert people_in(SMOKE, "smoke", tmp_path) == 320
    assert people_in(PAPER, "gazefollow", tmp_path) == 130_339
    datasets = {
        "mine": {"kind": "folder", "images": "x"},
        "show": {"kind": "world-show", "clips": 3, "test_clips": 1, "frames": 10},
        "both": {
            "kind": "pool",
            "labelled": ["mine"],
            "unlabelled": ["mine", "show"],
            "test": "show",
        },
        "cubes": {"kind": "gooreal", "root": "x"},
    }
    config = {"datasets": datasets}
    assert people_in(config, "cubes", tmp_path) == 2451 + 2156
    assert people_in(config, "both", tmp_path) == ASSUMED + 4 * 10 * 3
    manifest = tmp_path / "data/mine/manifest.parquet"
    manifest.parent.mkdir(parents=True)
    pd.DataFrame({"image": list("abc")}).to_parquet(manifest)
    rows_of.cache_clear()
    assert people_in(config, "mine", tmp_path) == 3
    manifest.write_bytes(b"cut off")
    rows_of.cache_clear()
    assert people_in(config, "mine", tmp_path) == ASSUMED
    rows_of.cache_clear()


def test_jobs_follow_from_what_is_there_before_the_first(tmp_path: Path) -> None:
    """Counted without a manifest, which comes later: finished shards keep their names."""
    assert detection_jobs(PAPER, "gazefollow") == 17
    prior = parse_prior("ofa-large", PAPER["priors"]["ofa-large"])
    assert prior.jobs(people_expected(PAPER, "gazefollow")) == 66
    assert parse_prior("ofa", SMOKE["priors"]["ofa-world"]).jobs(10**6) == 2
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        (pictures / f"{number}.jpg").write_bytes(b"")
    (tmp_path / "heads.csv").write_text("image,head_x0\n" + "a.jpg,1\n" * 9_000)
    own = {"kind": "folder", "images": str(pictures)}
    tabled = own | {"table": str(tmp_path / "heads.csv")}
    config = {"datasets": {"own": own, "tabled": tabled}, "detect": {"shards": None}}
    assert [people_expected(config, name) for name in ("own", "tabled")] == [6, 9_000]
    assert [detection_jobs(config, name) for name in ("own", "tabled")] == [1, 2]
    assert prior.jobs(9_000) == 5 and prior.jobs(0) == 1
