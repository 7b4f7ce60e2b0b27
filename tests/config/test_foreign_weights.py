"""Weights of another model, and files that are none, are refused when the configuration is read."""

import copy
import json
from pathlib import Path

import pytest
import yaml
from small_weights import LIKE, write_like, write_shapes

from gcdr.base.errors import InputError
from gcdr.config.checked import check_values, lay_over, read_config
from gcdr.config.generated import read_schema
from gcdr.detection.depth_layout import DEPTH_FILES
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.sizes import DenoiserConfig, VATConfig

ROOT = Path(__file__).parents[2]
SMOKE = read_config([ROOT / "config.yaml", ROOT / "configs/smoke.yaml"])
SCHEMA = read_schema(ROOT / "workflow/schemas/config.schema.yaml")
READY = "studies: {{smoke: {{pretrained: {{{}}}}}}}"
GAZELLE = "report: {methods: [{method: vat, gaze: gazelle}]}\n"


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a small file of everything."""
    for name in LIKE:
        write_like(tmp_path / name / "model.safetensors", name)
        write_like(tmp_path / f"{name}.pt", name)
    cards = {
        "vat": ("vat", VATConfig.world(), {}),
        "gc": ("vat", VATConfig.world(gradcam=True), {}),
        "paper": ("vat", VATConfig.paper(), {}),
        "denoiser": ("denoiser", DenoiserConfig.world(), {"timesteps": 500, "schedule": "linear"}),
        "noisy": ("denoiser", DenoiserConfig.world(), {"timesteps": 1000}),
        "decoder": ("gazelle", GazelleConfig.world(), {}),
        "cat": ("cat", GazelleConfig.world(), {}),
    }
    for name, (kind, config, settings) in cards.items():
        like = kind if kind in LIKE else "vat"
        write_like(tmp_path / name / "model.safetensors", like)
        card = {"model": kind, "config": config.to_json(), "settings": settings}
        card |= {"pixels": 224 if name == "paper" else 56, "cells": 64 if name == "paper" else 32}
        (tmp_path / name / "model.json").write_text(json.dumps(card))
    write_shapes(
        tmp_path / "gc/model.safetensors",
        LIKE["vat"] | {"attn.weight": (49, VATConfig.world(True).towers.attention_inputs)},
    )
    decoder = {"head_token.weight": (1,), "linear.weight": (64, 128, 1, 1)}
    write_shapes(tmp_path / "decoder/model.safetensors", decoder)
    large = {"conv1_scene.weight": (64, 4, 7, 7), "conv1_face.weight": (64, 3, 7, 7)}
    write_shapes(tmp_path / "large.pth", large)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("hello")
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "none.pth").write_bytes(b"")
    cut = (tmp_path / "towers/model.safetensors").read_bytes()[:-1]
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut/model.safetensors").write_bytes(cut)
    return tmp_path


def said(overlay: str, config: dict = SMOKE) -> list[str]:
    """The problems of the smoke configuration with an overlay."""
    config = copy.deepcopy(config)
    lay_over(config, yaml.safe_load(overlay))
    try:
        check_values(config, SCHEMA)
    except InputError as error:
        return [line.strip() for line in str(error).splitlines()[1:]]
    return []


@pytest.mark.parametrize(
    ("overlay", "key", "what"),
    [
        ("gaze: {models: {vat: {init: @/vqa}}}", "gaze.models.vat.init", "holds OFA, expected one of VAT"),
        ("gaze: {models: {vat: {init: @/vqa.pt}}}", "gaze.models.vat.init", "holds OFA"),
        ("gaze: {models: {vat: {init: @/large.pth}}}", "gaze.models.vat.init", "of another size"),
        ("gaze: {models: {vat: {init: @/empty}}}", "gaze.models.vat.init", "no file"),
        ("gaze: {models: {vat: {init: @/text.txt}}}", "gaze.models.vat.init", "found the file"),
        ("gaze: {models: {vat: {init: @/text.pt}}}", "gaze.models.vat.init", "no weights"),
        ("gaze: {models: {vat: {init: @/none.pth}}}", "gaze.models.vat.init", "an empty file"),
        ("gaze: {models: {vat: {init: @/cut}}}", "gaze.models.vat.init", "truncated or damaged"),
        (
            GAZELLE + "gaze: {models: {gazelle: {init: @/vat}}}",
            "gaze.models.gazelle.init",
            "holds VAT, expected Gaze-LLE",
        ),
        (
            GAZELLE + "gaze: {models: {gazelle: {backbone: @/detector}}}",
            "gaze.models.gazelle.backbone",
            "holds Mask R-CNN, expected one of scene tower",
        ),
        (
            GAZELLE + "gaze: {models: {gazelle: {backbone: @/vqa/model.safetensors}}}",
            "gaze.models.gazelle.backbone",
            "holds OFA",
        ),
        ("diffusion: {init: @/frozen}", "diffusion.init", "holds scene tower, expected one of VAT"),
        ("studies: {smoke: {init: @/detector}}", "studies.smoke.init", "holds Mask R-CNN"),
        (
            GAZELLE + "studies: {smoke: {init: {gazelle: @/vat}}}",
            "studies.smoke.init.gazelle",
            "holds VAT, expected Gaze-LLE",
        ),
        (
            GAZELLE + "studies: {smoke: {pretrained: {vat: {gazelle: @/vat}}}}",
            "studies.smoke.pretrained.vat.gazelle",
            "holds VAT, expected Gaze-LLE",
        ),
        (
            "studies: {earlier: {dataset: smoke, seed: 1, pretrained: {diffusion: @/vat}},\n"
            "  smoke: {init: {study: earlier, model: gcdr}}}\nreport: {methods: [vat]}",
            "studies.earlier.pretrained.diffusion",
            "holds VAT, expected denoiser",
        ),
        ("detect: {weights: @/vat}", "detect.weights", "no file"),
        ("detect: {weights: @/vat.pt}", "detect.weights", "holds VAT, expected Mask R-CNN"),
        ("detect: {weights: assets/world/heads}", "detect.weights", "a detector of heads"),
        (
            "datasets: {own: {kind: folder, images: configs}}\nheads: {weights: @/detector.pt}\n"
            "studies: {own: {dataset: own, seed: 0, teacher: smoke}}\ngalleries: [own]",
            "heads.weights",
            "holds Mask R-CNN, expected Keypoint R-CNN",
        ),
        (
            "datasets: {own: {kind: folder, images: configs}}\nheads: {weights: assets/world/detector}\n"
            "studies: {own: {dataset: own, seed: 0, teacher: smoke}}\ngalleries: [own]",
            "heads.weights",
            "a detector of people, expected one of heads",
        ),
        (
            "datasets: {own: {kind: folder, images: configs}}\nheads: {weights: assets/world/heads}\n"
            "studies: {own: {dataset: own, seed: 0, teacher: smoke}}\ngalleries: [own]",
            "heads.weights",
            "has seen drawings only, and datasets.own has photographs",
        ),
        (
            "datasets: {own: {kind: gazefollow, root: configs}}\n"
            "studies: {own: {dataset: own, seed: 0, teacher: smoke}}\ngalleries: [own]",
            "detect.weights",
            "expected a detector of people in photographs (docs/weights.md), or datasets.own.drawn: true",
        ),
        ("priors: {ofa-world: {weights: @/vat}}", "priors.ofa-world.weights", "no file"),
        ("priors: {ofa-world: {layers: [1, 3]}}", "priors.ofa-world.weights", "has 2 decoder layers"),
        (
            "prior: p\npriors: {p: {kind: pointing, weights: assets/world/vqa}}",
            "priors.p.weights",
            "names no model_type",
        ),
        ("prior: p\npriors: {p: {kind: pointing, weights: @/vat}}", "priors.p.weights", "holds VAT"),
        (READY.format("vat: @/gc"), "studies.smoke.pretrained.vat", "holds VAT-GC, expected VAT"),
        (READY.format("vat: @/denoiser"), "studies.smoke.pretrained.vat", "holds denoiser"),
        (READY.format("gcdr: @/paper"), "studies.smoke.pretrained.gcdr", "224 pixels"),
        (READY.format("gcdr: @/cat"), "studies.smoke.pretrained.gcdr", "found model 'cat'"),
        (READY.format("diffusion: @/vat"), "studies.smoke.pretrained.diffusion", "holds VAT"),
        (READY.format("diffusion: @/noisy"), "studies.smoke.pretrained.diffusion", "of 1000"),
        (READY.format("diffusion: @/denoiser.pt"), "studies.smoke.pretrained.diffusion", "of 224"),
    ],
)  # fmt: skip
def test_another_model_is_refused_by_its_key(
    files: Path, overlay: str, key: str, what: str
) -> None:
    lines = [line for line in said(overlay.replace("@", str(files))) if line.startswith(f"{key}:")]
    assert len(lines) == 1 and what in lines[0], lines


@pytest.mark.parametrize(
    "overlay",
    [
        "gaze: {models: {vat: {init: @/denoiser.pt}}}",
        "gaze: {models: {gazelle: {init: @/vqa, backbone: @/detector}}}",  # nobody asks for it
        GAZELLE + "gaze: {models: {gazelle: {init: @/decoder, backbone: @/frozen.pt}}}",
        "heads: {weights: @/vqa}",  # every data set has a table
        "diffusion: {init: @/vat}",
        "studies: {smoke: {pretrained: {vat: @/vat, vat-gc: @/denoiser}}}",  # of the two one is asked for
        "studies: {smoke: {pretrained: {diffusion: @/denoiser, gcdr: @/vat}}}",
        "report: {methods: [vat, {method: vat, gaze: gazelle}]}\n" + READY.format("vat: @/vat"),
        "report: {methods: [vat, {method: vat, gaze: gazelle}]}\nstudies: {smoke: {init: @/vat}}",
        "studies: {other: {dataset: smoke, seed: 1, init: @/vqa}}",
        "report: {studies: []}\ngaze: {models: {vat: {init: @/vqa}}}\ndetect: {weights: @/vqa.pt}",
    ],
)
def test_what_fits_or_is_not_asked_for_is_let_pass(files: Path, overlay: str) -> None:
    assert said(overlay.replace("@", str(files))) == []


def test_weights_that_will_be_fetched_are_not_looked_for() -> None:
    model = "downloads: {folder: nowhere, models: {m: {from: 'https://a.b/c', files: [v.pt]}}}\n"
    assert said(f"{model}diffusion: {{init: nowhere/m/v.pt}}") == []


def test_an_estimator_of_depth_is_looked_for_where_it_is_used(tmp_path: Path) -> None:
    asked = "report: {methods: [{method: vat, gaze: deep}]}\n"
    deep = asked + "gaze: {models: {deep: {kind: pdp, size: world}}}\n"
    estimated = f"depth: {{drawn: estimated, weights: {tmp_path}}}\n"
    assert not said(deep) and not said(deep.replace("world", "world-nodepth") + estimated)
    assert said(deep + estimated) == [
        f"depth.weights: no file {tmp_path}/config.json, which estimates the depth of datasets.smoke"
    ]
    for name in DEPTH_FILES:
        (tmp_path / name).write_text('{"model_type": "dpt"}')
    assert said(deep + estimated) == [
        f"depth.weights: {tmp_path}/config.json: found model_type 'dpt', expected depth_anything"
    ]
    both = "diffusion: {depth: true}\nreport: {methods: [gcdr]}\n" + estimated
    assert said(both)[0].startswith("depth.weights: ") and not said(both.replace("true", "false"))


def test_first_weights_that_every_study_replaces_are_not_asked_for(files: Path) -> None:
    absent = "gaze: {models: {vat: {init: nowhere}}}"
    assert any("gaze.models.vat.init: no file" in line for line in said(absent))
    own = f"{absent}\nstudies: {{smoke: {{init: {{vat: assets/world/backbone}}}}}}"
    assert not [line for line in said(own) if "gaze.models.vat.init" in line]
    other = f"{own}\nreport: {{studies: [smoke, plain]}}"
    found = said(
        other.replace("studies: {smoke", "studies: {plain: {dataset: smoke, seed: 1}, smoke")
    )
    assert any("gaze.models.vat.init: no file" in line for line in found)
