"""Another VQA model behind the same interface: a small BLIP with random weights."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from gcdr.base.errors import InputError
from gcdr.priors.kinds.vqa_kind import AskSettings
from gcdr.priors.vqa.asking import load_vqa
from gcdr.priors.vqa.blip import BlipForVQA
from gcdr.priors.vqa.nouns import WordFinder
from gcdr.priors.vqa.ofa.search import Search
from gcdr.priors.vqa.ofa_vqa import VQAModel

BOXED = "What is the person in the green box looking at?"
PLAIN = "What is the person looking at?"
WORDS = "[PAD] [UNK] [CLS] [SEP] [BOS] what is the person in green box looking at ? a red ball ##s"
SETTINGS = AskSettings(layers=(1,), beam=2, max_length=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    transformers = pytest.importorskip("transformers")
    path = tmp_path_factory.mktemp("blip")
    (path / "vocab.txt").write_text("\n".join(WORDS.split()) + "\n")
    tokenizer = transformers.BertTokenizerFast(vocab=str(path / "vocab.txt"), bos_token="[BOS]")
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3}
    text = {
        **size, "vocab_size": len(tokenizer), "num_attention_heads": 2, "encoder_hidden_size": 16,
        "bos_token_id": 4, "sep_token_id": 3, "pad_token_id": 0, "initializer_range": 0.3,
    }  # fmt: skip
    vision = {**size, "num_attention_heads": 2, "image_size": 64, "patch_size": 16}
    torch.manual_seed(0)
    config = transformers.BlipConfig(text_config=text, vision_config=vision)
    transformers.BlipForQuestionAnswering(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> VQAModel:
    return load_vqa(folder, SETTINGS, WordFinder(), torch.device("cpu"))


def images(count: int) -> torch.Tensor:
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(3)) * 2 - 1


def test_the_folder_says_which_model_it_is(model: VQAModel) -> None:
    assert isinstance(model, BlipForVQA)
    assert (model.image_size, model.grid, model.depth) == (64, 4, 3)


def test_explanations_do_not_depend_on_company(model: VQAModel) -> None:
    asked = [BOXED, PLAIN, BOXED]
    together = model.explain(images(3), asked, [1, 3])
    assert any(found.answer for found in together)
    for row, found in enumerate(together):
        (alone,) = model.explain(images(3)[row : row + 1], [asked[row]], [3, 1])
        assert (found.answer, found.token_index) == (alone.answer, alone.token_index)
        assert found.heatmap.shape == (2, 4, 4) and (found.heatmap >= 0).all()
        assert found.heatmap.max() > 0
        np.testing.assert_allclose(found.heatmap, alone.heatmap[::-1], rtol=1e-3, atol=1e-9)


@pytest.mark.slow
def test_gradients_are_finite_differences(model: BlipForVQA, monkeypatch) -> None:
    """Of the answer token's probability, by moving attention weights one at a time."""

    class Nudge(torch.nn.Module):
        by = torch.zeros(())

        def forward(self, probabilities: torch.Tensor) -> torch.Tensor:
            return probabilities + self.by

    twin = model.model.double()
    attention = twin.text_encoder.encoder.layer[1].crossattention.self
    monkeypatch.setattr(attention, "dropout", Nudge())
    answers, steps = [[5, 3]], [0]
    states, attentions = model._read(images(1).double(), PLAIN)
    cam = model._gradcam(states, [attentions[1]], answers, steps)[0, 0].flatten()

    def chance() -> torch.Tensor:
        read, _ = model._read(images(1).double(), PLAIN)
        logits = twin.text_decoder(input_ids=torch.tensor([[4]]), encoder_hidden_states=read).logits
        return logits[0, 0].softmax(-1)[5].detach()

    weights = attentions[1][0].detach()
    slopes = torch.zeros_like(weights)
    for place in np.ndindex(*weights.shape):
        step = torch.zeros_like(weights)
        step[place] = 1e-5
        attention.dropout.by = step
        up = chance()
        attention.dropout.by = -step
        slopes[place] = (up - chance()) / 2e-5
    expected = (weights * slopes).relu().mean((0, 1))[1:]
    twin.float()
    assert (cam - expected).abs().max() < 1e-3 * expected.max()


def test_questions_too_long_for_it_are_refused(model: BlipForVQA, monkeypatch) -> None:
    model.check_questions([BOXED, PLAIN])
    monkeypatch.setattr(model.model.config.text_config, "max_position_embeddings", 12)
    with pytest.raises(InputError, match=r"prior\.questions: found 13 tokens .* at most 12"):
        model.check_questions([PLAIN, BOXED])


def test_what_is_missing_is_named(folder: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(InputError, match="not a whole BLIP model"):
        BlipForVQA.load(tmp_path)
    with pytest.raises(InputError, match="expected fp32 with BLIP"):
        BlipForVQA.load(folder, search=Search(), precision="bf16")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda state: state.pop(next(iter(state))), "1 tensors are missing, .* the first is "),
        (lambda state: state.update(more=torch.ones(3)), "1 tensors are unexpected, .* is more"),
    ],
)
def test_tensors_that_are_not_those_of_the_model_are_refused(
    folder: Path, tmp_path: Path, spoil, said: str
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    state = load_file(folder / "model.safetensors")
    spoil(state)
    save_file(state, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=f"not a whole BLIP model; {said}"):
        BlipForVQA.load(tmp_path)


def test_weights_that_are_cut_off_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    content = (folder / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="not a whole BLIP model"):
        BlipForVQA.load(tmp_path)


def test_without_transformers_the_error_says_what_to_install(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match="pip install transformers"):
        BlipForVQA.load(tmp_path)
