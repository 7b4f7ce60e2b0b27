"""Beam search against the reference's n-best lists."""

import json

import numpy as np
import pytest
import torch
from ofa_reference import Reference, small_config

from gcdr.base.errors import InputError
from gcdr.priors.vqa.ofa.model import BOS, EOS, OFA
from gcdr.priors.vqa.ofa.search import Search, beam_search

torch.set_num_threads(1)


def settings(params: dict) -> Search:
    return Search(
        beam=params["beam"],
        max_length=params["max_len_b"],
        min_length=params["min_len"],
        normalise=not params["unnormalized"],
        length_penalty=params["lenpen"],
    )


def check(found, stored) -> None:
    assert len(found) == stored["n"]
    for hypothesis, best in zip(found, stored["best"], strict=False):
        assert list(hypothesis.tokens) == best["tokens"]
        assert hypothesis.score == pytest.approx(best["score"], abs=1e-4)


@pytest.mark.slow
@pytest.mark.golden
def test_n_best_lists(goldens):
    reference, model = Reference(goldens), Reference(goldens).nano()
    source = np.load(goldens("ofa/nano.npz"))["A.in.src_tokens"]
    images = reference.images("A.img", 2, 3, 96, 96)
    rows = {"A0": (images[:1], source[:1]), "A1": (images[1:], source[1:, :8])}
    memories = {}
    with torch.no_grad():
        for case, (image, text) in rows.items():
            encoded = model.encode(image, torch.from_numpy(text))
            memories[case] = model.decoder.remember(encoded)
    for stored in json.loads(goldens("ofa/nano_beam.json").read_text()).values():
        check(beam_search(model, memories[stored["case"]], settings(stored["params"]))[0], stored)


@pytest.mark.slow
@pytest.mark.golden
def test_n_best_lists_with_early_ends_in_one_batch(goldens):
    reference, model = Reference(goldens), Reference(goldens).nano16()
    stored = json.loads(goldens("ofa/nano16_beam.json").read_text())
    inputs = stored.pop("inputs")
    names = [name for name in inputs if name != "note"]
    images = torch.cat([reference.images(f"N16.img{name[1:]}", 1, 3, 64, 64) for name in names])
    source = torch.tensor([inputs[name] for name in names])
    with torch.no_grad():
        memory = model.decoder.remember(model.encode(images, source))
    found = {}
    for entry in stored.values():
        search = settings(entry["params"])
        if search not in found:
            found[search] = beam_search(model, memory, search)
        check(found[search][names.index(entry["case"])], entry)


def test_greedy_search_takes_the_likeliest_token_each_time():
    torch.manual_seed(0)
    model = OFA(small_config()).eval()
    images, source = torch.rand(2, 3, 128, 128), torch.randint(4, 500, (2, 7))
    with torch.no_grad():
        encoded = model.encode(images, source)
        answers = beam_search(model, model.decoder.remember(encoded), Search(1, max_length=4))
        for row, (best,) in enumerate(answers):
            logits = model.decode(encoded, torch.tensor([[BOS, *best.tokens[:-1]]] * 2))[row]
            likeliest = logits.argmax(-1).tolist()
            assert best.tokens[-1] == EOS and len(best.tokens) <= 5
            assert list(best.tokens[:4]) == likeliest[: len(best.tokens)][:4]


def test_impossible_settings_are_refused():
    with pytest.raises(InputError, match="beam"):
        Search(beam=0)
    with pytest.raises(InputError, match="min_length"):
        Search(min_length=3, max_length=2)
