"""Priors in the configuration: kinds, names, stores, and what is refused."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from snakemake.exceptions import WorkflowError
from workflow_runs import ROOT, check_overlay

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig, setting
from gcdr.config.generated import generated, object_schema
from gcdr.config.yamlfiles import check_duplicates
from gcdr.datasets.world import people_of_drawn
from gcdr.priors.kinds.pointing_kind import PointingPrior
from gcdr.priors.kinds.registry import PRIOR_KINDS, all_stores, parse_prior, store_of
from gcdr.world.dataset import WorldSettings

VQA = {"kind": "vqa", "weights": "w", "layers": [1, 2], "layer": 1}
SOURCES = {"imported": {"pickles": ["a.pkl"], "annotations": ["a.txt"]}}
LEAST = {  # of each kind what has no default
    "vqa": VQA,
    "pickles": {"kind": "pickles", "imported": {"demo": SOURCES["imported"]}},
    "track-pickles": {"kind": "track-pickles", "imported": {"demo": {"folders": ["maps"]}}},
    "points": {"kind": "points", "tables": {"demo": "a.csv"}},
    "boxes": {"kind": "boxes", "tables": {"demo": "a.csv"}},
    "maps": {"kind": "maps", "stores": {"demo": "a.h5"}},
    "pointing": {"kind": "pointing", "weights": "w"},
}
SECOND = "{kind: vqa, weights: assets/world/vqa, layers: [1], layer: 1, shards: 3}"


@pytest.mark.parametrize("kind", PRIOR_KINDS)
def test_every_kind_needs_what_has_no_default_and_says_the_rest(kind: str) -> None:
    prior = parse_prior("x", LEAST[kind])
    assert type(prior).from_json(prior.to_json()) == prior
    schema = Draft202012Validator(generated()["prior"])
    schema.validate(LEAST[kind])
    schema.validate({"kind": kind, **prior.to_json()})
    for key in LEAST[kind].keys() - {"kind"}:
        entry = {name: value for name, value in LEAST[kind].items() if name != key}
        assert not schema.is_valid(entry)
        with pytest.raises(InputError, match=rf"priors\.x: {key} is missing"):
            parse_prior("x", entry)
    with pytest.raises(InputError, match="unknown key 'other'"):
        parse_prior("x", {**LEAST[kind], "other": 1})


@pytest.mark.parametrize("kind", PRIOR_KINDS)
def test_every_setting_of_a_kind_is_described(kind: str) -> None:
    for entry in dataclasses.fields(PRIOR_KINDS[kind]):
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
    asked, points = parse_prior("a", VQA), parse_prior("p", LEAST["points"])
    assert str(store_of("a", asked)) == "a-body"
    assert str(store_of("a", asked, "test", "head")) == "a-head-of-test"
    assert str(store_of("p", points)) == "p"
    stores = all_stores({"a": asked, "p": points})
    assert len(stores) == 7 and stores["a-none"].overlay == "none" and stores["p"].prior is points
    assert asked.settings("head", "test").to_json().keys() == (
        asked.to_json().keys() - {"weights", "released", "layer", "shards", "workers"} | {"which"}
    )
    assert parse_prior("p", {**LEAST["points"], "sigma": 2}).settings().to_json() == {
        "units": "pixels", "size": 64, "complete": True, "sigma": 2
    }  # fmt: skip


@pytest.mark.slow
def test_keys_that_stand_twice_are_named_with_file_and_line(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("priors:\n  x: {kind: vqa}\n  y: {}\n  x: {kind: points}\n")
    second.write_text('{"split": {"share": 5,\n"share": 6}, "list": [{"b": 1}, {"b": 2}]}')
    with pytest.raises(InputError) as caught:
        check_duplicates([first, second])
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
        ("prior: {layer: 2}\n", ['prior: found {"layer": 2}, expected a name']),
        (
            "priors: {ofa-world-body: {kind: points, tables: {smoke: a.csv}}}\n",
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
def test_wrong_priors_are_named(tmp_path: Path, overlay: str, said: list[str]) -> None:
    with pytest.raises(WorkflowError) as error:
        check_overlay(overlay, tmp_path)
    assert all(part in str(error.value) for part in said), error.value


@pytest.mark.slow
def test_a_table_that_lacks_people_of_a_world_is_named_before_it_is_drawn(tmp_path: Path) -> None:
    """Who will be in the pictures is known by what they are drawn by."""
    world = yaml.safe_load((ROOT / "configs/smoke.yaml").read_text())["datasets"]["smoke"]
    drawn = WorldSettings.from_json({k: v for k, v in world.items() if k != "kind"})
    table = people_of_drawn(drawn).assign(x=5, y=5)[["sample_id", "image", "x", "y"]]
    entry = f"{{kind: points, tables: {{smoke: {tmp_path / 'points.csv'}}}}}"
    overlay = f"prior: p\npriors: {{p: {entry}}}\nreport: {{methods: [argmax]}}\n"
    for name in ("whole", "lacking"):
        (tmp_path / name).mkdir()
    table.to_csv(tmp_path / "points.csv", index=False)
    check_overlay(overlay, tmp_path / "whole")
    table[:-3].to_csv(tmp_path / "points.csv", index=False)
    with pytest.raises(WorkflowError, match=f"found no map for 3 of {len(table)} people"):
        check_overlay(overlay, tmp_path / "lacking")


def test_a_pointing_model_that_is_to_be_fetched_is_planned(tmp_path: Path) -> None:
    folder = tmp_path / "vlm"
    prior = PointingPrior(weights=str(folder))
    planned = [f"{folder}/model.safetensors", f"{folder}/config.json", f"{tmp_path}/other/x.json"]
    assert prior.problems([], []) == [f"weights: no .safetensors file in {folder}"]
    assert prior.problems([], planned) == []
    folder.mkdir()
    for name in ("vocab.json", "config.json.digest.json", "README.md"):
        (folder / name).write_text("")
    names = [Path(path).name for path in prior.model_files(planned)]
    assert names == ["config.json", "model.safetensors", "vocab.json"]
