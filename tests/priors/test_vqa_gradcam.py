"""Closed-form Grad-CAM against reference values, and against automatic differentiation."""

import json

import numpy as np
import pytest
import torch
from ofa_reference import Reference, relative_error, small_config

from gcdr.base.errors import InputError
from gcdr.priors.vqa.gradcam import attention_gradients, gradcam
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.model import BOS, EOS, OFA, PAD
from gcdr.priors.vqa.ofa.search import Search, beam_search
from gcdr.priors.vqa.ofa.transformer import Attention

torch.set_num_threads(1)


@pytest.mark.golden
@pytest.mark.parametrize("case", ["A0", "A1"])
@pytest.mark.parametrize("step", [0, 1, 7])
def test_maps_and_gradients_of_every_layer(case, step, goldens):
    reference, stored = Reference(goldens), np.load(goldens("ofa/nano.npz"))
    model, row = reference.nano(), int(case[1])
    name = f"{case}.step{step}"
    source = torch.from_numpy(stored["A.in.src_tokens"][row : row + 1])
    source = source[:, source[0] != PAD]
    answer = [*stored[f"{name}.prev_tokens"][1:].tolist(), int(stored[f"{name}.target_token"])]
    with torch.no_grad():
        encoded = model.encode(reference.images("A.img", 2, 3, 96, 96)[row : row + 1], source)
        memory = model.decoder.remember(encoded)
    attention, gradient, chance = attention_gradients(model, memory, [answer], [step], [1, 2, 3])
    maps = gradcam(model, memory, encoded.grid, [answer], [step], [1, 2, 3])
    for layer in range(3):
        for found, key in (
            (attention[0, layer], "attn_last"),
            (gradient[0, layer], "grad_logprob"),
            (gradient[0, layer] * chance, "grad_prob"),
            (maps[0, layer], "gradcam_raw"),
        ):
            assert relative_error(found, stored[f"{name}.{key}"][layer]) < 1e-4, (layer, key)


@pytest.mark.golden
@pytest.mark.slow
def test_released_size_at_full_resolution(goldens):
    reference, stored = Reference(goldens), np.load(goldens("ofa/tiny480.npz"))
    model = reference.model(OFAConfig.tiny()).requires_grad_(False)
    image = reference.draw("img480", 3, 15, 15).repeat(32, 1).repeat(32, 2).astype(np.float32)
    with torch.no_grad():
        encoded = model.encode(
            torch.from_numpy(image)[None], torch.from_numpy(stored["src_tokens"])[None]
        )
        memory = model.decoder.remember(encoded)
    states = encoded.states[0]
    assert relative_error(states.mean(0), stored["encoder_out_mean_tokens"]) < 1e-4
    assert relative_error(states[::61], stored["encoder_out_every61"]) < 1e-4
    assert relative_error(states[900:], stored["encoder_out_text"]) < 1e-4
    answers, steps = [], [0, 3]
    for step in steps:
        target = int(stored[f"step{step}.target_token"])
        answers.append([*stored[f"step{step}.prev_tokens"][1:].tolist(), target])
        prev = torch.from_numpy(stored[f"step{step}.prev_tokens"])[None]
        with torch.no_grad():
            features = model.decoder(prev, memory)[0, -1]
            best = model.decoder.output_projection(features).topk(20)
        assert best.indices.tolist() == stored[f"step{step}.logits_last_top20_id"].tolist()
        assert relative_error(best.values, stored[f"step{step}.logits_last_top20"]) < 1e-4
    for answer, step in zip(answers, steps, strict=True):
        maps = gradcam(model, memory, encoded.grid, [answer], [step], [2, 3, 4])[0]
        attention, gradient, chance = attention_gradients(model, memory, [answer], [step], [3, 4])
        for layer in range(3):
            expected = stored[f"step{step}.gradcam_raw"][layer]
            assert relative_error(maps[layer], expected) < 1e-4, (step, layer)
        for layer in range(2):
            expected = stored[f"step{step}.attn_last"][layer]
            assert relative_error(attention[0, layer], expected) < 1e-4
            expected = stored[f"step{step}.grad_prob"][layer]
            assert relative_error(gradient[0, layer] * chance, expected) < 1e-4
    search = Search(beam=5, max_length=8, normalise=False)
    hypotheses = json.loads(goldens("ofa/tiny480.json").read_text())["beam5_sum_maxlen8"]
    for found, expected in zip(beam_search(model, memory, search)[0], hypotheses, strict=True):
        assert list(found.tokens) == expected["tokens"]
        assert found.score == pytest.approx(expected["score"], abs=1e-4)


@pytest.fixture(scope="module")
def world():
    torch.manual_seed(0)
    model = OFA(small_config()).eval().requires_grad_(False)
    images, source = torch.rand(3, 3, 128, 128), torch.randint(4, 500, (3, 8))
    with torch.no_grad():
        for parameter in model.parameters():  # far enough from zero that attention is not flat
            parameter += 0.1 * torch.randn_like(parameter)
        encoded = model.encode(images, source)
        memory = model.decoder.remember(encoded)
    answers = [[5, 6, EOS], [9, 10, 11, 12, EOS], [30, EOS]]
    return model, encoded, memory, answers, [1, 3, 0]


def test_equals_the_gradient_through_attention_probabilities(world, monkeypatch):
    model, encoded, memory, answers, steps = world
    maps = gradcam(model, memory, encoded.grid, answers, steps, [1, 2, 3])
    seen = []
    softmax = torch.Tensor.softmax

    def watched(scores, *args, **kwargs):
        probabilities = softmax(scores, *args, **kwargs)
        if probabilities.shape[-1] == len(encoded.position):
            probabilities = probabilities.requires_grad_()
            seen.append(probabilities)
        return probabilities

    monkeypatch.setattr(torch.Tensor, "softmax", watched)
    for row, (answer, step) in enumerate(zip(answers, steps, strict=True)):
        seen.clear()
        prev = torch.tensor([[BOS, *answer[:step]]] * 3)
        logits = model.decode(encoded, prev)[row, -1]
        chance = softmax(logits, -1)[answer[step]]
        gradients = torch.autograd.grad(chance, seen)
        for layer, (attention, gradient) in enumerate(zip(seen, gradients, strict=True)):
            cam = (attention * gradient).unflatten(0, (3, -1))[row, :, -1, :64].relu().mean(0)
            assert relative_error(maps[row, layer].flatten(), cam.detach().numpy()) < 1e-4


def test_ragged_batch_equals_single_answers(world):
    model, encoded, memory, answers, steps = world
    together = gradcam(model, memory, encoded.grid, answers, steps, [3])
    for row in range(3):
        repeated = [answers[row]] * 3, [steps[row]] * 3
        alone = gradcam(model, memory, encoded.grid, *repeated, [3])[row]
        assert relative_error(together[row], alone.numpy()) < 1e-4


def test_layers_are_counted_from_one_in_any_order(world):
    model, encoded, memory, answers, steps = world
    maps = gradcam(model, memory, encoded.grid, answers, steps, [1, 2, 3])
    assert maps.shape == (3, 3, 8, 8) and maps.dtype == torch.float32 and (maps >= 0).all()
    some = gradcam(model, memory, encoded.grid, answers, steps, [3, 1])
    torch.testing.assert_close(some, maps[:, [2, 0]])
    for layers in ([0], [4], []):
        with pytest.raises(InputError, match="1 to 3"):
            gradcam(model, memory, encoded.grid, answers, steps, layers)


def test_gradients_of_attention_stay_finite_under_padding():
    torch.manual_seed(0)
    attention = Attention(16, 2)
    keys, values = attention.keys_values(torch.randn(2, 5, 16))
    bias = torch.zeros(2, 1, 1, 5)
    bias[1, ..., 3:] = -torch.inf
    attention(torch.randn(2, 3, 16), keys, values, bias.expand(2, 2, 3, 5)).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in attention.parameters())
