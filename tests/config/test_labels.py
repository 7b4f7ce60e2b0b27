"""Studies that name whose labels they keep, and that adapt to a data set."""

from pathlib import Path

import pytest
import yaml
from small_data import write
from snakemake.exceptions import WorkflowError
from workflow_runs import check_overlay

from gcdr.base.errors import InputError
from gcdr.config.checked import SCHEMA, check_config, read_config
from gcdr.config.enough_checks import table_findings
from gcdr.config.label_checks import label_problems, torn_tracks
from gcdr.config.schema import by_share, study_share
from gcdr.priors.vqa.nouns import missing_for_spacy
from gcdr.report.show_tables import PAPER_SHOWS
from gcdr.settings.preparing import split

ROOT = Path(__file__).parents[2]
HEADER = "image,head_x0,head_y0,head_x1,head_y1,gaze_x,gaze_y,split"


@pytest.mark.parametrize(
    ("study", "said"),
    [
        ('labels: {clips: ["1"], frames: 9}', "labels: found ['clips', 'frames'], expected one of"),
        ("labels: {}", "labels: found nothing, expected one of clips, frames and shows"),
        ("labels: {frames: 9}, share: 10", "found labels and share, expected one of them"),
        ("labels: {frames: 0}", "labels.frames: found 0, expected"),
        ("labels: {clip: [a]}", "labels.clip: unknown key, did you mean clips?"),
        ("timestep: 500", "studies.smoke.timestep: found 500, expected 2 (refine.steps) to 499"),
        ("lr: {vatt: 0.1}", "studies.smoke.lr: found 'vatt', expected one of student, vat, vat-gc"),
        (
            "lr: {student: [0.1, 0.2]}",
            "studies.smoke.lr.student: found several rates, expected one",
        ),
        ("lr: {vat: [0.1]}", "studies.smoke.lr.vat: found"),
        ("lr: {student: 0}", "studies.smoke.lr.student: found 0, expected a number above 0"),
        ("adapt: maybe", 'adapt: found "maybe", expected true or false'),
    ],
)
def test_what_cannot_be_is_refused(study: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(WorkflowError) as caught:
        check_overlay(f"studies: {{smoke: {{{study}}}}}", tmp_path)
    assert said in str(caught.value)


def test_several_data_sets_are_nothing_to_adapt_to(tmp_path: Path) -> None:
    study = "{labelled: [smoke], unlabelled: [smoke], test: smoke, seed: 0, adapt: true}"
    with pytest.raises(WorkflowError, match=r"studies\.x\.adapt: found it beside labelled"):
        check_overlay(f"studies: {{x: {study}}}", tmp_path)


def test_labels_take_the_place_of_the_share_alone() -> None:
    study = {"labels": {"clips": ["a"]}, "adapt": True}
    drawn = {"share": 10, "unlabelled": None, "validation": 0, "by": "image"}
    config = {"studies": {"show": study}, "split": drawn}
    assert study_share(config, "show") == "chosen"
    assert by_share({"10": 1, "default": 2}, "chosen") == 2
    named, half = (split(config, "show", share) for share in ("chosen", "chosen-part50"))
    assert (named.labels.clips, named.share, named.adapt) == (("a",), None, True)
    assert (half.part, half.labels) == (50, named.labels)
    ten = split(config, "show", "10")  # a table of shares
    assert (ten.labels, ten.share, ten.adapt) == (None, 10, True)


def test_a_share_that_tears_tracks_is_told() -> None:
    def told(by: str, **study: object) -> list[str]:
        return torn_tracks(
            {
                "datasets": {
                    "films": {"kind": "videoattentiontarget"},
                    "photos": {"kind": "folder"},
                },
                "studies": {"a": {"dataset": "films"} | study, "b": {"dataset": "photos"}},
                "report": {"studies": ["a", "b"]},
                "galleries": [],
                "gaze": {"model": "vat", "models": {}},
                "split": {"by": by, "share": 10},
            }
        )

    assert len(told("image")) == len(told("person")) == 1
    assert "studies.a: split.by image tears tracks" in told("image")[0]
    assert not told("sequence") + told("group")
    assert not told("image", share=100) + told("image", labels={"frames": 100})


SPATIAL, TEMPORAL = (
    f"weights/initial_weights_for_{part}_training.pt" for part in ("spatial", "temporal")
)
MODELS = [
    f"gaze.models.vat.init: no file {SPATIAL}",
    f"diffusion.init: no file {SPATIAL}, nor a gaze model: there are vat, gazelle, film, film-gc",
]


@pytest.mark.parametrize(
    ("name", "weights", "unread"),
    [
        ("shows", MODELS, set()),
        ("labelled-shows", MODELS, set()),
        # Neither the VAT of pictures nor a diffusion model is trained there.
        ("video-vat", [f"gaze.models.film.init: no file {TEMPORAL}"], {"gazefollow"}),
    ],
)
def test_the_papers_settings_on_video_lack_nothing_but_files(
    name: str, weights: list[str], unread: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ["config.yaml", "configs/gazefollow.yaml", f"configs/{name}.yaml"]
    config = read_config(ROOT / file for file in files)
    monkeypatch.chdir(tmp_path)  # where nothing lies
    with pytest.raises(InputError) as caught:
        check_config(config, [], ROOT / SCHEMA)
    problems = [line.strip() for line in str(caught.value).splitlines()[1:]]
    missing = missing_for_spacy()  # whose nouns the raw maps are of, which every table shows
    nouns = [f"priors.ofa-large.tagger: {missing}"] if missing else []
    assert [line for line in problems if not line.startswith("datasets.")] == weights + nouns
    assert {line for line in problems if line.startswith("datasets.")} == {
        f"datasets.{dataset}.root: no folder {source['root']}"
        for dataset, source in config["datasets"].items()
        if source["kind"] != "world" and dataset not in unread
    }


def test_photographs_of_a_dozen_people_lack_nothing_but_what_is_fetched(tmp_path: Path) -> None:
    rows = [f"{n}.jpg,1,1,9,9,{f'.{n},.5' if n < 9 else ','},train" for n in range(12)]
    pictures = {f"{n}.jpg": "picture" for n in range(12)}
    write(tmp_path, {"heads.csv": "\n".join([HEADER, *rows]), **pictures})
    own = {"datasets": {"mine": {"images": str(tmp_path), "table": f"{tmp_path}/heads.csv"}}}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(own))
    files = [
        ROOT / "config.yaml",
        *(ROOT / f"configs/own-{name}.yaml" for name in ("photos", "labels")),
    ]
    config = read_config([*files, tmp_path / "my.yaml"])
    check_config(config, [], ROOT / SCHEMA)
    assert not any(one.fatal for one in table_findings(config)["mine"])


@pytest.mark.parametrize(
    ("redraw", "timestep", "refused"),
    [("online", "auto", True), ("sampled", "auto", False), ("online", 250, False)],
)
def test_groups_with_timesteps_of_their_own_are_not_refined_in_the_batch(
    redraw: str, timestep: int | str, refused: bool, tmp_path: Path
) -> None:
    """Which refines everybody alike: of a data set whose kind has groups, and of a table that says them."""
    refine = {"redraw": redraw, "timestep": timestep}
    config = read_config([ROOT / "config.yaml", ROOT / "configs/demo-video.yaml"])
    config["refine"] |= refine
    for study in config["studies"].values():
        study.pop("timestep", None)
    said = [line for line in label_problems(config) if "found groups in" in line]
    assert bool(said) == refused
    rows = [f"{n}.jpg,1,1,9,9,.{n + 1},.5,train,show {n % 2}" for n in range(8)]
    pictures = {f"{n}.jpg": "picture" for n in range(8)}
    write(tmp_path, {"heads.csv": "\n".join([f"{HEADER},group", *rows]), **pictures})
    mine = {"kind": "folder", "images": str(tmp_path), "table": f"{tmp_path}/heads.csv"}
    config = read_config([ROOT / "config.yaml"])
    config |= {"datasets": {"mine": mine}, "studies": {"mine": {"dataset": "mine", "seed": 0}}}
    config["report"] |= {"studies": ["mine"]}
    config["refine"] |= refine
    found = [one for one in table_findings(config)["mine"] if "found groups in mine" in one.text]
    assert [one.fatal for one in found] == [True] * refused


def test_the_papers_shows_are_those_of_its_table() -> None:
    config = read_config([ROOT / "configs/shows.yaml"])
    reported = {name: config["studies"][name] for name in config["report"]["studies"]}
    shows = {
        name: config["datasets"][study["dataset"]]["shows"] for name, study in reported.items()
    }
    assert [show for (show,) in shows.values()] == list(PAPER_SHOWS)
    longer = {show for name, (show,) in shows.items() if reported[name]["timestep"] == 300}
    assert longer == {"I Wanna Marry Harry", "Survivor"}
    assert sum(len(study["labels"]["clips"]) for study in reported.values()) == 16
