"""The shipped weights of the demo world are what the stages load, and as good as their cards say."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gcdr.base.tensors import read_tensors
from gcdr.models.sizes import WEIGHTS_FILE, TowersConfig, VATConfig
from gcdr.models.vat import VAT
from gcdr.models.weights import warm_start
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.search import Search
from gcdr.priors.vqa.ofa_vqa import OFAForVQA
from gcdr.world.style import NOUNS
from gcdr.world.weights.vqa_lessons import answer_accuracy, draw_pictures

ASSETS = Path(__file__).parents[2] / "assets/world"


def card(name: str) -> dict:
    return json.loads((ASSETS / name / "card.json").read_text())


@pytest.mark.slow
def test_vqa_model_is_the_world_configuration_and_answers_as_its_card_says(tmp_path: Path) -> None:
    vqa = OFAForVQA.load(ASSETS / "vqa", "cpu", Search(max_length=8))
    vocabulary = len(vqa.tokenizer)
    assert vqa.model.config == OFAConfig.world(vocabulary=vocabulary)
    assert all(len(vqa.tokenizer.encode_answer(f"the {noun}")) <= 3 for noun in NOUNS)
    pictures = draw_pictures(tmp_path / "asked", "web", 777, 120, vqa.image_size, 1)
    measured = answer_accuracy(vqa, pictures, torch.device("cpu"))
    claimed = card("vqa")["answer_accuracy"]["web"]
    error = np.sqrt(claimed * (1 - claimed) / len(pictures.texts))
    assert abs(measured - claimed) < 4 * error


def test_towers_fill_every_tower_of_every_gaze_model() -> None:
    weights = read_tensors(ASSETS / "backbone" / WEIGHTS_FILE)
    assert TowersConfig.from_json(card("backbone")["towers"]) == TowersConfig.world()
    for gradcam in (False, True):
        match = warm_start(VAT(VATConfig.world(gradcam)), weights)
        assert not match.unknown and not match.misfits
        assert not [
            name for name in match.missing if name.split(".")[0].endswith(("_scene", "_face"))
        ]


@pytest.mark.slow
def test_detector_finds_the_people_its_card_claims() -> None:
    from gcdr.detection.detector import load_detector
    from gcdr.world.weights.detectors import draw_examples, measure

    detector = load_detector(ASSETS / "detector/model.safetensors")
    found = measure(detector, draw_examples(31, range(40), "gaze", 320, 240))
    claimed = card("detector")["held_out"]["gaze"]["recall"]
    assert abs(found.recall - claimed) < 4 * np.sqrt(claimed * (1 - claimed) / found.people) + 0.02


@pytest.mark.slow
def test_detector_of_heads_is_as_good_as_its_card_says() -> None:
    from gcdr.detection.detector import load_detector
    from gcdr.world.weights.detectors import draw_examples, measure

    detector = load_detector(ASSETS / "heads/model.safetensors")
    found = measure(detector, draw_examples(31, range(40), "gaze", 320, 240, "heads"))
    claimed = card("heads")["held_out"]["gaze"]
    error = 4 * np.sqrt(claimed["recall"] * (1 - claimed["recall"]) / found.people) + 0.02
    assert abs(found.recall - claimed["recall"]) < error
    assert abs(found.precision - claimed["precision"]) < error
    assert abs(found.mean_iou - claimed["mean_iou"]) < 0.02


@pytest.mark.parametrize("name", ["vqa", "detector", "heads", "backbone", "frozen"])
def test_cards_say_how_the_weights_were_made(name: str) -> None:
    entry = card(name)
    assert entry.get("seed", entry.get("settings", {}).get("seed")) is not None
    assert sum(path.stat().st_size for path in (ASSETS / name).iterdir()) < 4 << 20
