"""The interface that the rest of the package uses."""

import json

import numpy as np
import pytest
import torch
from ofa_reference import small_config

from gcdr.base.errors import InputError
from gcdr.base.files import file_digest, read_json
from gcdr.priors.kinds.vqa_kind import AskSettings
from gcdr.priors.vqa.asking import load_vqa
from gcdr.priors.vqa.nouns import WordFinder
from gcdr.priors.vqa.ofa.model import OFA
from gcdr.priors.vqa.ofa.search import Search
from gcdr.priors.vqa.ofa.tokenizer import Tokenizer
from gcdr.priors.vqa.ofa_vqa import OFAForVQA, VQAModel

torch.set_num_threads(1)

BOXED_PROMPT = "What is the person in the green bounding box looking at?"
PLAIN_PROMPT = "What is the person looking at?"


@pytest.fixture(scope="module")
def model() -> OFAForVQA:
    torch.manual_seed(0)
    tokenizer = Tokenizer.train([BOXED_PROMPT.lower(), PLAIN_PROMPT.lower(), "a red ball"], 300)
    config = small_config(vocabulary=len(tokenizer))
    return OFAForVQA(OFA(config), tokenizer, Search(beam=3, max_length=5))


def ask(model: VQAModel, rows: list[int]):
    images = torch.rand(4, 3, 128, 128, generator=torch.Generator().manual_seed(2)) * 2 - 1
    questions = [BOXED_PROMPT, PLAIN_PROMPT, BOXED_PROMPT, PLAIN_PROMPT]
    return model.explain(images[rows], [questions[row] for row in rows], layers=[2, 3])


def test_explanations_do_not_depend_on_company(model):
    together = ask(model, [0, 1, 2, 3])
    for row, found in enumerate(together):
        (alone,) = ask(model, [row])
        assert (found.answer, found.noun, found.token_index) == (
            alone.answer,
            alone.noun,
            alone.token_index,
        )
        assert found.heatmap.shape == (2, 8, 8) and found.heatmap.dtype == np.float32
        limit = 1e-3 * alone.heatmap.max()
        np.testing.assert_allclose(found.heatmap, alone.heatmap, atol=limit, rtol=0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], r"found \[\], expected a mapping"),
        ({"heads": 0}, "OFA heads: found 0, expected positive whole numbers"),
        ({"token_bucket": 0}, "OFA token_bucket: found 0"),
        ({"width": "96"}, "OFA width: found '96'"),
        ({"resnet_blocks": [1, 1]}, "OFA resnet_blocks: .* expected 3"),
    ],
)
def test_a_configuration_that_is_none_is_named(model, tmp_path, content, said):
    if isinstance(content, dict):
        content = model.model.config.to_json() | content
    (tmp_path / "config.json").write_text(json.dumps(content))
    settings = AskSettings(layers=(1,), beam=1, max_length=1)
    with pytest.raises(InputError, match=rf"config\.json: {said}"):
        load_vqa(tmp_path, settings, WordFinder(), torch.device("cpu"))


def test_weights_that_are_no_numbers_are_said_to_be_damaged(model):
    torch.manual_seed(0)
    broken = OFA(model.model.config)
    broken.decoder.layers[0].fc1.bias.data[0] = torch.nan
    with pytest.raises(InputError, match=r"found NaN for every answer, .* weights are damaged"):
        ask(OFAForVQA(broken, model.tokenizer, model.search), [0, 1])


def test_a_saved_model_answers_the_same(model, tmp_path):
    model.save(tmp_path / "vqa", {"name": "test"})
    loaded = OFAForVQA.load(tmp_path / "vqa", search=model.search)
    assert loaded.image_size == 128
    card = read_json(tmp_path / "vqa" / "card.json")
    digest = file_digest(tmp_path / "vqa" / "model.safetensors")
    beside = {name: file_digest(tmp_path / "vqa" / name) for name in ("vocab.json", "merges.txt")}
    assert card == {"name": "test", "weights_sha256": digest, "companions_sha256": beside}
    for first, second in zip(ask(model, [0, 1]), ask(loaded, [0, 1]), strict=True):
        assert first.answer == second.answer
        np.testing.assert_array_equal(first.heatmap, second.heatmap)


def test_a_vocabulary_of_another_model_is_named(model, tmp_path):
    model.save(tmp_path / "vqa", {})
    vocabulary = tmp_path / "vqa" / "vocab.json"
    vocabulary.write_text(vocabulary.read_text().replace('"!"', '"!!!"'))
    with pytest.raises(InputError, match=r"vocab\.json: not the file that card\.json beside it"):
        OFAForVQA.load(tmp_path / "vqa")


def test_a_foreign_tokenizer_is_refused(model):
    with pytest.raises(InputError, match="tokens"):
        OFAForVQA(OFA(small_config(vocabulary=400)), model.tokenizer)


def test_an_absent_model_is_named(tmp_path):
    with pytest.raises(InputError, match=r"config\.json"):
        OFAForVQA.load(tmp_path)
