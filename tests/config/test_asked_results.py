"""Names of results as people type them: right ones pass, others are answered with the name that was meant."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdr.config.asked_results import misnamed_results
from gcdr.methods import METHODS
from gcdr.variants import Variant, averaged, pseudo_variant, variant

CONFIG: dict[str, Any] = {
    "priors": {"ofa": {}, "points": {}},
    "studies": {"show": {"dataset": "show", "seed": 1}},
    "refine": {"steps": 2},
    "gaze": {
        "model": "film",
        "models": {
            "film": {"kind": "pdp", "size": "world"},
            "stills": {"kind": "vat", "size": "world"},
            "lle": {"kind": "gazelle", "size": "world", "labeller": "stills"},
            "large": {"kind": "gazelle", "size": "paper"},
            "tower": {"kind": "gazelle-tower", "size": "world", "labeller": "large"},
        },
    },
}
STORES = ("ofa-body", "ofa-head", "points")
FOLDER = "results/show/labelschosen-seed1"


def configured(entry: dict[str, str], study: str) -> Variant:
    gaze = entry.get("gaze", "film")
    labeller = CONFIG["gaze"]["models"][gaze].get("labeller")
    return variant(entry["method"], 250, 2, 1, "mean", "ofa-body", gaze, labeller)


def wrong(*paths: str) -> list[str]:
    return misnamed_results(paths, CONFIG, STORES, configured)


@given(
    st.sampled_from(sorted(set(METHODS) - {"token-student"})),
    st.integers(1, 500) | st.just("auto"),
    st.integers(1, 9),
    st.sampled_from(["mean", "sampled", "online"]),
    st.sampled_from(STORES),
    st.sampled_from(["film", "stills"]),
)
def test_right_names_pass(
    method: str, timestep: int, steps: int, redraw: str, prior: str, gaze: str
) -> None:
    made = variant(method, timestep, steps, 3, redraw, prior, gaze)  # type: ignore[arg-type]
    folder = "students" if made.about.student else "teachers"
    name = made if made.about.student else made.model
    test = averaged(made)
    assert not wrong(
        f"{FOLDER}/metrics/{made}.json",
        f"{FOLDER}/{folder}/{name}/model.safetensors",
        f"{FOLDER}/test/{test}.h5",
        f"./{FOLDER}/metrics/diffusion-gc-{test}.json",
    )
    if made.prior is not None or redraw != "online":
        assert not wrong(f"{FOLDER}/pseudo/{pseudo_variant(made)}.h5")
    if made.model is not None:
        assert not wrong(f"{FOLDER}/teachers/{made.model}/log.csv")


@pytest.mark.parametrize(
    "path",
    [
        "all",
        "figure6",
        "results/shows/tables/table_s1.csv",
        "results/data/show/priors/ofa-body.h5",
        "results/elsewhere/labels10-seed0/metrics/vat.json",  # Snakemake knows no such study
        f"{FOLDER}/labels.parquet",
        f"{FOLDER}/metrics/human.json",
        f"{FOLDER}/metrics/gradcam+ofa-head.json",
        f"{FOLDER}/sweep+ofa-body.json",
        f"{FOLDER}/metrics/semi-vat-gc+points+stills+lle.json",
        f"{FOLDER}/metrics/token-student+large+tower.json",
    ],
)
def test_other_targets_are_left_alone(path: str) -> None:
    assert not wrong(path)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("metrics/vat.json", "vat+film"),
        ("metrics/vat+stills+film.json", "vat+film"),
        ("metrics/vat+nowhere.json", "vat+film"),
        ("metrics/semi-vat.json", "semi-vat+film"),
        ("metrics/semi-vat-gc+film.json", "semi-vat-gc+ofa-body+film"),
        ("metrics/semi-vat-gc+lle.json", "semi-vat-gc+ofa-body+stills+lle"),
        ("metrics/semi-vat-gc+points+lle.json", "semi-vat-gc+points+stills+lle"),
        ("metrics/semi-vat-gc+points+lle+lle.json", "semi-vat-gc+points+stills+lle"),
        ("metrics/gcdr.json", "gcdr-t250-n2-k1+ofa-body+film"),
        ("metrics/gcdr+stills.json", "gcdr-t250-n2-k1+ofa-body+stills"),
        ("metrics/gcdr-t300-n2-k1+points.json", "gcdr-t300-n2-k1+points+film"),
        ("metrics/gcdr-t300-n2-k1+film.json", "gcdr-t300-n2-k1+ofa-body+film"),
        ("metrics/gcdr-tauto-k4+none+film.json", "gcdr-tauto-k4+ofa-body+film"),
        ("metrics/no-gradcam-t250-n5-s3+film.json", "no-gradcam-n5-s3+film"),
        ("metrics/raw+film.parquet", "raw+ofa-body+film"),
        ("metrics/token-student+tower.json", "token-student+large+tower"),
        ("metrics/diffusion-gc-gcdr.json", "diffusion-gc-gcdr-t250-n2-k1+ofa-body"),
        ("students/gcdr+film/model.json", "gcdr-t250-n2-k1+ofa-body+film"),
        ("teachers/vat-gc/log.csv", "vat-gc+ofa-body+film"),
        ("teachers/diffusion+film/model.json", "diffusion"),
        ("pseudo/semi-vat-gc+ofa-body+lle.h5", "semi-vat-gc+ofa-body+stills"),
        ("pseudo/gcdr-t250-n2-online+ofa-body.h5", "raw+ofa-body"),
        ("test/gcdr-t250-n2-k1+ofa-body+film.h5", "gcdr-t250-n2-k1+ofa-body"),
    ],
)
def test_what_was_meant_is_said(found: str, expected: str) -> None:
    (line,) = wrong(f"{FOLDER}/{found}")
    name = found.split("/")[1].rsplit(".", 1)[0]
    assert line.startswith(f"{FOLDER}/{found}: found {name!r}, expected {expected!r}")
    assert "\n" not in line
    assert not wrong(f"{FOLDER}/{found.replace(name, expected)}"), "the name that is said is right"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("metrics/gradcam", "gradcam+ofa-body"),
        ("metrics/gradcam+nowhere", "gradcam+ofa-body"),
        ("sweep", "sweep+ofa-body"),
        ("sweep+film", "sweep+ofa-body"),
    ],
)
def test_maps_are_named_after_their_prior(found: str, expected: str) -> None:
    (line,) = wrong(f"{FOLDER}/{found}.json")
    name = found.removeprefix("metrics/")
    assert (
        line == f"{FOLDER}/{found}.json: found {name!r}, expected {expected!r}; priors: ofa, points"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gcrd+film", "expected a name that begins with vat or vat-gc or "),
        (
            "vat-gc+ofa-body+lle",
            "Gaze-LLE (lle) sees no prior map; expected a gaze model that does",
        ),
        ("semi-vat-gc+ofa-body+large", "or one as gaze.models.large.labeller"),
        ("token-student+stills+film", "gaze model film learns no tokens; expected one of kind"),
    ],
)
def test_what_cannot_be_meant_is_said(name: str, said: str) -> None:
    (line,) = wrong(f"{FOLDER}/metrics/{name}.json")
    assert line.startswith(f"{FOLDER}/metrics/{name}.json: found {name!r}") and said in line


def test_records_of_old_files_may_be_cleared() -> None:
    old = f"{FOLDER}/metrics/vat+gone.json"
    assert wrong(old) and not wrong("--cleanup-metadata", old)


def test_figures_of_names_need_a_model_that_names() -> None:
    """One line, with the configuration that has one."""
    semgaze = {"kind": "semgaze", "size": "world"}
    for target in ("figure_people", "results/demo/figures/figure_stages.png"):
        for names, problems in ((None, 1), ("given", 0)):
            named = {"model": "film", "models": {"film": semgaze | {"names": names}}}
            config = CONFIG | {"report": {"methods": ["vat"]}, "gaze": named}
            found = misnamed_results([target, "figure_named"], config, STORES, configured)
            assert len(found) == problems
            assert all(one.startswith(f"{target}: found no method") for one in found)
            assert all("--configfile configs/semantic.yaml" in one for one in found)
