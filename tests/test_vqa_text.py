"""Questions, answers, words of interest, and the picture that is asked about."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gcdr.errors import InputError
from gcdr.vqa.nouns import find_noun, noun_token
from gcdr.vqa.ofa.tokenizer import Tokenizer
from gcdr.vqa.question import (
    draw_box,
    image_array,
    normalise,
    upright,
)

TEXTS = [
    "what is the person looking at?",
    "what is the person in the green bounding box looking at?",
    "a red ball",
    "the blue box",
    "green triangle",
]


@pytest.fixture(scope="module")
def small() -> Tokenizer:
    return Tokenizer.train(TEXTS * 3, 300)


@pytest.fixture(scope="module")
def released(goldens) -> Tokenizer:
    return Tokenizer.load_fairseq(goldens("bpe/dict.txt").parent)


@pytest.mark.golden
def test_questions_are_normalised_like_the_reference(goldens):
    stored = json.loads(goldens("ofa/tokens.json").read_text())
    for entry in stored["questions"]:
        assert normalise(entry["raw"]) == entry["preprocessed"]


@pytest.mark.golden
def test_released_vocabulary(goldens, released):
    stored = json.loads(goldens("ofa/tokens.json").read_text())
    assert len(released) == stored["vocab_size"]
    for entry in stored["questions"]:
        tokens = released.encode_question(entry["preprocessed"])
        assert tokens == entry["src_tokens"]
        assert released.decode(tokens).text == entry["decoded"].strip()
    for entry in stored["answers"]:
        assert released.encode_answer(entry["raw"])[:-1] == entry["tokens"]
        assert released.decode(entry["tokens"]).text == entry["decoded"].strip()
    for symbol, number in stored["specials"].items():
        if number > 2:
            assert released.decode([number]).text == symbol


def test_tokenizer_survives_its_files_and_is_deterministic(small, tmp_path):
    small.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    again = Tokenizer.train(reversed(TEXTS), 300)
    for text in (*TEXTS, "Grüße, 世界!"):
        tokens = small.encode_question(text)
        assert loaded.encode_question(text) == again.encode_question(text) == tokens
        assert tokens[0] == 0 and tokens[-1] == 2
    assert len(loaded) == len(small) <= 300
    assert small.encode_answer("the person")[-1] == 2


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
def test_text_survives_tokens_and_spans_cover_it(small, text):
    decoded = small.decode(small.encode_answer(text))
    assert decoded.text == text.strip()
    covered = set()
    for start, stop in decoded.spans:
        assert 0 <= start <= stop <= len(decoded.text)
        covered.update(range(start, stop))
    assert covered == set(range(len(decoded.text)))


def test_spans_point_at_words(small):
    decoded = small.decode(small.encode_answer("a red ball"))
    assert decoded.text == "a red ball"
    words = ["".join(decoded.text[slice(*span)]).strip() for span in decoded.spans]
    assert "".join(words) == "aredball" and decoded.spans[-1] == (10, 10)


def test_broken_vocabularies_are_named(small, tmp_path):
    with pytest.raises(InputError, match=r"vocab\.json"):
        Tokenizer.load(tmp_path)
    small.save(tmp_path)
    (tmp_path / "merges.txt").write_text(f"#version: 0.2\n{' '.join(small.merges[0])}\nabc\n")
    with pytest.raises(InputError, match="line 3"):
        Tokenizer.load(tmp_path)
    (tmp_path / "vocab.json").write_text("{}")
    with pytest.raises(InputError, match="<s>"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize(
    ("answer", "noun"),
    [
        ("a red ball", "ball"),
        ("food", "food"),
        ("tennis ball", "ball"),
        ("the man's phone", "man"),
        ("the girl on the left", "girl"),
        ("looking at a laptop", "laptop"),
        ("the tall building behind the tree", "building"),
        ("Frisbee", "Frisbee"),
        ("bed", "bed"),
        ("parked car", "car"),
        ("a man dressed in black", "man"),
        ("a butterfly", "butterfly"),
        ("him", "him"),
        ("down", None),
        ("yes", None),
        ("surfing", None),
        ("green", None),
        ("3", None),
        ("", None),
        ("?!", None),
    ],
)
def test_word_of_interest(answer, noun):
    span = find_noun(answer)
    assert (span and answer[slice(*span)]) == noun


def test_noun_token_is_the_first_that_touches_the_noun():
    spans = [(0, 1), (1, 6), (6, 11), (11, 11)]  # "a", " surf", "board", end
    assert noun_token((2, 11), spans) == 1
    assert noun_token(None, spans) == 2
    assert noun_token(None, [(0, 0)]) == 0


@given(st.text(max_size=30))
def test_a_noun_is_a_word_of_the_answer(text):
    span = find_noun(text)
    if span is not None:
        assert text[slice(*span)].strip() and 0 <= span[0] < span[1] <= len(text)


def test_prompts_are_the_papers():
    prior = yaml.safe_load((Path(__file__).parents[1] / "config.yaml").read_text())["prior"]
    boxed = "What is the person in the green bounding box looking at?"
    assert prior["question"] == boxed
    assert prior["question_without_box"] == "What is the person looking at?"


def test_box_is_drawn_as_opencv_does():
    drawn = np.asarray(draw_box(Image.new("RGB", (12, 9)), (3.7, 2.2, 8, 6)))
    expected = """
    ............
    ...######...
    ..########..
    ..########..
    ..###..###..
    ..########..
    ..########..
    ...######...
    ............
    """
    rows = ["".join(".#"[int(pixel)] for pixel in row) for row in drawn[..., 1] == 255]
    assert rows == expected.split()
    assert not drawn[..., [0, 2]].any()


def test_box_may_leave_the_image_and_colour_may_change():
    image = Image.new("RGB", (8, 8))
    drawn = np.asarray(draw_box(image, (-5, 3, 20, 30), (255, 0, 0), thickness=1))
    assert drawn[3, :, 0].all() and drawn[..., 0].astype(bool).sum() == 8
    assert not np.asarray(image).any()


@pytest.mark.golden
def test_image_is_resized_like_the_reference(goldens):
    stored = np.load(goldens("ofa/preproc.npz"))
    photo = Image.fromarray(stored["photo"])
    small = image_array(photo, 96)
    np.testing.assert_allclose(small, stored["resized96_u8"] / 127.5 - 1, atol=1e-6)
    large = np.round((image_array(photo, 480) + 1) * 127.5).astype(np.uint8)
    np.testing.assert_array_equal(large[:, ::16, ::16], stored["resized480_u8_every16"])
    digest = hashlib.sha256(large.tobytes()).hexdigest()
    assert digest == str(stored["resized480_sha256_u8"])


def test_upright_turns_and_converts(tmp_path: Path):
    image = Image.new("L", (6, 4))
    image.putpixel((5, 0), 255)
    exif = Image.Exif()
    exif[274] = 6  # to be turned by 90 degrees clockwise
    image.save(tmp_path / "turned.png", exif=exif)
    turned = upright(Image.open(tmp_path / "turned.png"))
    assert turned.size == (4, 6) and turned.mode == "RGB"
    assert turned.getpixel((3, 5)) == (255, 255, 255)
