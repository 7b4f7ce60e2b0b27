"""Text towers: the demo world's words, a CLIP that is built from its configuration, and what is refused."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from gcdr.base.errors import InputError
from gcdr.data.label_space import LabelSpace, read_label_space, write_label_space
from gcdr.priors.named_people import accuracy_of_names, names_of_nouns
from gcdr.priors.text_towers import CLIP_TEMPERATURE, embed, embed_vocabulary

WORLD = Path(__file__).parents[2] / "assets/world/vqa"


def test_nouns_find_their_names_by_their_words(tmp_path: Path) -> None:
    embed_vocabulary(WORLD, None, tmp_path / "embeddings.safetensors")
    space = read_label_space(tmp_path)
    assert len(space.names) == 15 and list(space.names) == sorted(space.names)
    assert "demo world" in space.tower and "in place of CLIP" in space.tower
    assert np.linalg.norm(space.embeddings, axis=1) == pytest.approx(np.ones(15), abs=1e-5)
    nouns = ["cup", "another person", "", "picture", "cup"]
    place, confidence = names_of_nouns(nouns, WORLD, tmp_path)
    assert [space.names[at] for at in place[[0, 1, 4]]] == ["cup", "person", "cup"]
    assert place[2] == -1 and confidence[2] == 0
    assert confidence[0] > 0.9 and confidence[3] < 0.5, "no name says where the picture ends"


def test_accuracy_is_told_by_confidence() -> None:
    place, true = np.array([0, 1, 2, -1, 3]), np.array([0, 1, 1, 1, -1])
    told = accuracy_of_names(place, np.array([0.9, 0.5, 0.4, 0.0, 0.9]), true)
    assert told["known"] == 4
    assert told["from"][0] == {"confidence": 0.0, "people": 3, "right": pytest.approx(2 / 3)}
    assert told["from"][2] == {"confidence": 0.5, "people": 2, "right": 1.0}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A folder as CLIP ViT-B/16's, with tiny random weights."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path / "clip"
    folder.mkdir()
    letters = [chr(97 + number) for number in range(26)]
    pieces = [
        *letters,
        *(f"{letter}</w>" for letter in letters),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    (folder / "vocab.json").write_text(json.dumps({piece: at for at, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    torch.manual_seed(0)
    config = transformers.CLIPTextConfig(
        vocab_size=len(pieces), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=16, projection_dim=24,
        bos_token_id=52, eos_token_id=53, pad_token_id=53,
    )  # fmt: skip
    transformers.CLIPTextModelWithProjection(config).save_pretrained(folder)
    return folder


def test_clip_embeds_bare_names(clip: Path) -> None:
    space = embed(["cup", "person", "tv"], clip)
    assert space.embeddings.shape == (3, 24) and "CLIP" in space.tower
    assert np.linalg.norm(space.embeddings, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    alone = embed(["person"], clip).embeddings[0]
    assert alone == pytest.approx(space.embeddings[1], abs=1e-5), "padding says nothing"
    best, share = space.nearest(space.embeddings)
    assert best.tolist() == [0, 1, 2] and (share > 1 / 3).all()
    assert space.temperature == 0.01
    write_label_space(clip, space)
    assert read_label_space(clip).temperature == 0.01
    assert read_label_space(clip).fingerprint == space.fingerprint


def test_names_that_lie_near_each_other_are_sure_in_clip() -> None:
    """As bare nouns in CLIP, 346 names of mean cosine 0.8: each is surely itself at CLIP's own scale."""
    rng = np.random.default_rng(0)
    apart, common = rng.normal(size=(346, 512)), rng.normal(size=512)
    apart /= np.linalg.norm(apart, axis=1, keepdims=True)
    near = 0.8**0.5 * common / np.linalg.norm(common) + 0.2**0.5 * apart
    near = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    names = tuple(map(str, range(346)))
    _, share = LabelSpace(names, near, "CLIP", CLIP_TEMPERATURE).nearest(near)
    assert share.min() > 0.99
    _, share = LabelSpace(names, near, "another").nearest(near)
    assert share.max() < 0.1


def test_names_at_one_place_are_refused(clip: Path) -> None:
    with pytest.raises(InputError, match="found 'cup' and 'CUP', which lie at one place in CLIP's"):
        embed(["ball", "cup", "person", "CUP"], clip)
    with pytest.raises(InputError, match="found 'coat rack' and 'rack coat', which lie at one"):
        embed(["ball", "coat rack", "rack coat"], WORLD)


def test_words_that_the_demo_has_never_learned_are_refused_or_named(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They lie nearly at one place (cosine .99): what would be said is chance."""
    foreign = ["horse", "kitten", "mug", "table"]
    with pytest.raises(
        InputError, match=r"found 'horse', .*'table', none of which .* have learned"
    ):
        embed(foreign, WORLD)
    notes = embed(["cup", *foreign], WORLD).notes
    assert notes[0].startswith(
        "warning: 4 of 5 names ('horse', 'kitten', 'mug', 'table') were never"
    )
    assert re.search(
        r"names '(\w+)' and '(\w+)' lie close .*cosine 0\.99; pairs above 0\.95: 6\)", notes[1]
    )
    assert embed(["ball", "cup", "another person"], WORLD).notes == ()
    (note,) = embed(["cup", "mug"], WORLD).notes
    assert "1 of 2 names ('mug')" in note
    (tmp_path / "words.txt").write_text("cup\nhorse\nmug\n")
    embed_vocabulary(WORLD, tmp_path / "words.txt", tmp_path / "out/embeddings.safetensors")
    assert capsys.readouterr().out.count("warning: ") == 2
    assert not any("never learned" in note for note in embed(["horse", "mug"], clip).notes)


def test_a_tower_without_all_of_its_weights_is_refused(clip: Path) -> None:
    held = load_file(clip / "model.safetensors")
    del held["text_projection.weight"]
    save_file(held, clip / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        InputError,
        match=r"1 tensors are missing.* text_projection\.weight",
    ):
        embed(["cup"], clip)


def test_what_is_no_tower_is_named(clip: Path, tmp_path: Path) -> None:
    (clip / "model.safetensors").unlink()
    with pytest.raises(InputError, match="not a whole text tower of CLIP"):
        embed(["cup"], clip)
    with pytest.raises(InputError, match=r"no config\.json"):
        embed(["cup"], tmp_path / "none")
    config = json.loads((clip / "config.json").read_text()) | {"model_type": "bert"}
    (clip / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"found the model type 'bert'"):
        embed(["cup"], clip)


def test_another_tower_is_refused(tmp_path: Path) -> None:
    space = LabelSpace(("cup",), np.ones((1, 1), np.float32), "a tower")
    write_label_space(tmp_path, space)
    assert read_label_space(tmp_path).names == ("cup",)
    with pytest.raises(InputError, match=r"found 3 numbers, the text tower \(a tower\) gives 1"):
        space.similarity(np.ones((2, 3), np.float32))
