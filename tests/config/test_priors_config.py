"""Priors in the configuration: kinds, names, stores, what is refused, and several in one plan."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from workflow_runs import ROOT, Workspace

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig, setting
from gcdr.config.duplicates import check_duplicates
from gcdr.config.generated import generated, object_schema
from gcdr.priors.kinds.registry import KINDS, all_stores, read_prior, store_of

SMOKE = "configs/smoke.yaml"
VQA = {"kind": "vqa", "weights": "w", "layers": [1, 2], "layer": 1}
SOURCES = {"imported": {"pickles": ["a.pkl"], "annotations": ["a.txt"]}}
LEAST = {  # of each kind what has no default
    "vqa": VQA,
    "pickles": {"kind": "pickles", "imported": {"demo": SOURCES["imported"]}},
    "points": {"kind": "points", "tables": {"demo": "a.csv"}},
    "boxes": {"kind": "boxes", "tables": {"demo": "a.csv"}},
    "maps": {"kind": "maps", "stores": {"demo": "a.h5"}},
    "pointing": {"kind": "pointing", "weights": "w"},
}
SECOND = "{kind: vqa, weights: assets/world/vqa, layers: [1], layer: 1, shards: 3}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_needs_what_has_no_default_and_says_the_rest(kind: str) -> None:
    prior = read_prior("x", LEAST[kind])
    assert type(prior).from_json(prior.to_json()) == prior
    schema = Draft202012Validator(generated()["prior"])
    schema.validate(LEAST[kind])
    schema.validate({"kind": kind, **prior.to_json()})
    for key in LEAST[kind].keys() - {"kind"}:
        entry = {name: value for name, value in LEAST[kind].items() if name != key}
        assert not schema.is_valid(entry)
        with pytest.raises(InputError, match=rf"priors\.x: {key} is missing"):
            read_prior("x", entry)
    with pytest.raises(InputError, match="unknown key 'other'"):
        read_prior("x", {**LEAST[kind], "other": 1})


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_of_a_kind_is_described(kind: str) -> None:
    for entry in dataclasses.fields(KINDS[kind]):
        assert entry.metadata["description"].endswith((".", ")")), entry.name


def test_bounds_are_those_of_the_schema() -> None:
    @dataclasses.dataclass(frozen=True)
    class Bounded(JsonConfig):
        count: int = setting("A count.", 3, minimum=2, maximum=5)
        share: float | None = setting("A share.", None, exclusiveMinimum=0, exclusiveMaximum=1)
        sides: tuple[int, ...] = setting("Sides.", (2,), maxItems=2, items={"multipleOf": 2})

    schema = Draft202012Validator(object_schema(Bounded))
    cases: list[tuple[dict[str, Any], bool]] = [
        ({}, True), ({"count": 1}, False), ({"count": 5}, True), ({"count": 6}, False),
        ({"count": True}, False), ({"share": 0.5}, True), ({"share": 0}, False),
        ({"share": 1}, False), ({"sides": [2, 4]}, True), ({"sides": [2, 4, 6]}, False),
        ({"sides": [3]}, False), ({"sides": ["a"]}, False),
    ]  # fmt: skip
    for content, good in cases[1:]:
        assert schema.is_valid(content) == good, content
        if good:
            Bounded.from_json(content)
        else:
            with pytest.raises(InputError, match=next(iter(content))):
                Bounded.from_json(content)


def test_names_of_stores() -> None:
    asked, points = read_prior("a", VQA), read_prior("p", LEAST["points"])
    assert str(store_of("a", asked)) == "a-body"
    assert str(store_of("a", asked, "test", "head")) == "a-head-of-test"
    assert str(store_of("p", points)) == "p"
    stores = all_stores({"a": asked, "p": points})
    assert len(stores) == 7 and stores["a-none"].overlay == "none" and stores["p"].prior is points
    assert asked.settings("head", "test").to_json().keys() == (
        asked.to_json().keys() - {"weights", "released", "layer", "shards", "workers"} | {"which"}
    )
    assert read_prior("p", {**LEAST["points"], "sigma": 2}).settings().to_json() == {
        "units": "pixels", "size": 64, "complete": False, "sigma": 2
    }  # fmt: skip


def test_keys_that_stand_twice_are_named_with_file_and_line(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("priors:\n  x: {kind: vqa}\n  y: {}\n  x: {kind: points}\n")
    second.write_text('{"split": {"share": 5,\n"share": 6}, "list": [{"b": 1}, {"b": 2}]}')
    with pytest.raises(InputError) as caught:
        check_duplicates([first, second, tmp_path / "absent.yaml"])
    assert str(caught.value).splitlines()[1:] == [
        f"  {first}, line 4: priors.x stands in line 2 already; expected it once",
        f"  {second}, line 2: split.share stands in line 1 already; expected it once",
    ]
    check_duplicates([ROOT / "config.yaml", *ROOT.glob("configs/*.yaml")])


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ("prior: other\n", ["prior: no prior 'other'; there are ['ofa-world']"]),
        ("studies: {smoke: {prior: other}}\n", ["studies.smoke.prior: no prior 'other'"]),
        (
            "report: {methods: [vat, {method: gcdr, prior: other}]}\n",
            ["report.methods[1].prior: no prior 'other'"],
        ),
        ("report: {methods: [{method: gcrd}]}\n", ["report.methods", "'gcrd'"]),
        ("priors: {ofa+world: {kind: vqa}}\n", ["priors.ofa+world: unknown key"]),
        ("priors: {x: {kind: vqx}}\n", ['priors.x.kind: found "vqx"', '"vqa", "pickles"']),
        ("priors: {x: {weights: a}}\n", ["priors.x.kind: missing"]),
        ("priors: {ofa-world: {beam: 0}}\n", ["priors.ofa-world.beam: found 0"]),
        ("prior: {layer: 2}\n", ['prior: found {"layer": 2}, expected a text']),
        (
            "priors: {ofa-world-body: {kind: points, tables: {}}}\n",
            ["priors.ofa-world-body: its store 'ofa-world-body' is that of another prior too"],
        ),
        (
            "prior: p\npriors: {p: {kind: points, tables: {demo: a.csv}}}\n",
            ["priors.p.tables: found ['demo'], expected data set 'smoke' too"],
        ),
        (
            "prior: p\npriors: {p: {kind: maps, stores: {smoke: a.h5, smkoe: b.h5}}}\n",
            ["priors.p.stores.smoke: no file a.h5", "priors.p.stores: no data set 'smkoe'"],
        ),
        (
            "prior: p\npriors: {p: {kind: pointing, weights: nowhere}}\n",
            ["priors.p.weights: no .safetensors file in nowhere"],
        ),
        (
            f"priors:\n  x: {SECOND}\n  x: {SECOND}\n",
            ["wrong.yaml, line 3: priors.x stands in line 2 already"],
        ),
    ],
)
def test_wrong_priors_are_named_at_once(tmp_path: Path, overlay: str, said: list[str]) -> None:
    workspace = Workspace(tmp_path)
    workspace.write("wrong.yaml", overlay)
    run = workspace.snakemake("-n", configs=(SMOKE, "wrong.yaml"))
    assert run.returncode != 0
    assert all(part in run.stdout for part in said), run.stdout
    assert "Traceback" not in run.stdout


def test_a_prior_that_no_study_asks_for_need_not_be_there(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    unused = "{kind: points, tables: {smoke: nowhere.csv}}, y: {kind: vqa, weights: a, layers: [1], layer: 1}"
    workspace.write("o.yaml", f"priors: {{x: {unused}}}\n")
    assert workspace.planned(configs=(SMOKE, "o.yaml"))["gradcam"] == 2


def test_two_priors_side_by_side(tmp_path: Path) -> None:
    """Each is asked once, and what does not depend on it is made once."""
    workspace = Workspace(tmp_path)
    workspace.write(
        "two.yaml",
        f"priors: {{second: {SECOND}}}\n"
        "studies: {other: {dataset: smoke, seed: 0, prior: second}}\n"
        "report: {studies: [smoke, other]}\n",
    )
    configs = (SMOKE, "two.yaml")
    run = workspace.snakemake("-n", "-p", configs=configs)
    assert run.returncode == 0, run.stdout
    for store in ("ofa-world-body", "second-body"):
        assert f"output: results/data/smoke/priors/{store}.h5" in run.stdout
    read = re.findall(r"--prior (\S+)", run.stdout)
    assert set(read) == {
        f"results/data/smoke/priors/{one}-body.h5" for one in ("ofa-world", "second")
    }
    assert '"layers": [1],' in run.stdout and '"layers": [1, 2],' in run.stdout
    planned = workspace.planned(configs=configs)
    made = dict.fromkeys(("world", "samples", "detect", "bodies"), 1)
    made |= {"gradcam": 2 + 3, "merge": 2, "evaluate_prior": 2, "split": 2}
    assert {rule: planned[rule] for rule in made} == made
    table = workspace.planned("table_s7", configs=configs)
    assert table["merge"] == 6 and table["overlays"] == 1


def test_a_prior_of_a_pool_comes_from_those_of_its_data_sets(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write(
        "pool.yaml",
        f"priors: {{second: {SECOND}}}\n"
        "studies: {transfer: {prior: second}}\n"
        "report: {studies: [transfer, source]}\n",
    )
    run = workspace.snakemake("-n", configs=(SMOKE, "configs/transfer.yaml", "pool.yaml"))
    assert run.returncode == 0, run.stdout
    assert "output: results/data/elsewhere--here--here/priors/second-body.h5" in run.stdout
    assert "output: results/data/elsewhere/priors/ofa-world-body.h5" in run.stdout
    assert "output: results/data/here/priors/ofa-world-body.h5" not in run.stdout


@pytest.mark.parametrize(
    ("script", "entry", "rule"),
    [
        ("import_points", "{kind: points, tables: {smoke: a.csv}}", "import_points"),
        ("import_points", "{kind: boxes, tables: {smoke: a.csv}}", "import_points"),
        ("import_maps", "{kind: maps, stores: {smoke: a.csv}}", "import_maps"),
        ("pointing", "{kind: pointing, weights: model, shards: 2}", "pointing"),
    ],
)
def test_plan_of_other_kinds(tmp_path: Path, script: str, entry: str, rule: str) -> None:
    if not (ROOT / f"workflow/scripts/{script}.py").exists():
        pytest.skip(f"no script {script}.py")
    workspace = Workspace(tmp_path)
    for name in ("a.csv", "model/model.safetensors", "model/config.json"):
        workspace.write(name, "")
    workspace.write("p.yaml", f"prior: p\npriors: {{p: {entry}}}\n")
    planned = workspace.planned(configs=(SMOKE, "p.yaml"))
    assert planned[rule] == (2 if rule == "pointing" else 1)
    assert "gradcam" not in planned and planned.get("merge", 0) == (rule == "pointing")
