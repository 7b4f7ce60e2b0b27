"""Questions, answers, words of interest, and the picture that is asked about."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.priors.kinds.registry import read_priors
from gcdr.priors.vqa.nouns import (
    Word,
    WordFinder,
    find_tagger,
    missing_for_spacy,
    tag_by_rules,
    word_of_interest,
)
from gcdr.priors.vqa.ofa.tokenizer import Tokenizer
from gcdr.priors.vqa.question import draw_box, image_array, normalise

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


@pytest.mark.parametrize("layout", ["ours", "fairseq"])
def test_merges_that_are_cut_off_are_refused(small, tmp_path, layout):
    load, name = Tokenizer.load, "merges.txt"
    small.save(tmp_path)
    if layout == "fairseq":
        load, name = Tokenizer.load_fairseq, "vocab.bpe"
        pieces = sorted(small.vocabulary, key=small.vocabulary.get)[4:]
        pieces += ["<|endoftext|>", "madeupword0000"]  # as released: no merge makes them
        encoder = {piece: number for number, piece in enumerate(pieces)}
        (tmp_path / "encoder.json").write_text(json.dumps(encoder))
        (tmp_path / "dict.txt").write_text("".join(f"{at} 1\n" for at in range(len(pieces))))
        (tmp_path / "merges.txt").rename(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    assert load(tmp_path).encode_question(TEXTS[0]) == small.encode_question(TEXTS[0])
    lines = whole.splitlines(keepends=True)
    piece = re.escape("".join(small.merges[-1]))
    for content, said in (
        (b"".join(lines[:-1]), rf"found {len(lines) - 2} merges, .* the piece '{piece}'"),
        (lines[0], "found 0 merges"),
        (b"", "found 0 merges"),
        (whole[: whole.index("Ġ".encode()) + 1], "expected text in UTF-8"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}: damaged or truncated; {said}"):
            load(tmp_path)


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
        ("him", None),
        ("something on his phone", "phone"),
        ("tennis racket and ball", "racket"),
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
    found, _ = WordFinder()(answer, [(0, len(answer)), (len(answer), len(answer))])
    assert found == noun


def test_a_word_of_several_tokens_is_explained_by_its_first():
    spans = [(0, 1), (1, 6), (6, 11), (11, 11)]  # "a", " surf", "board", end
    assert WordFinder()("a surfboard", spans) == ("surfboard", 1)
    assert WordFinder()("a", spans) == (None, 2)
    assert WordFinder()("", [(0, 0)]) == (None, 0)


@pytest.mark.parametrize(
    ("tags", "paper", "compound", "reference"),
    [
        ("DET NOUN ADP DET NOUN", 1, 1, 1),
        ("NOUN NOUN", 0, 1, 1),
        ("DET NOUN NOUN NOUN ADP NOUN", 1, 3, 3),
        ("PROPN NOUN VERB NOUN", 0, 1, 1),
        ("PRON NOUN", 1, 1, 1),
        ("PRON VERB NOUN", 2, 2, 0),
        ("NOUN PRON", 0, 0, 1),
        ("ADJ", None, None, None),
        ("", None, None, None),
    ],
)
def test_each_rule_has_its_word(tags, paper, compound, reference):
    """The paper's is the first noun, the release's the last word of the first run of nouns."""
    words = [Word(0, 1, tag) for tag in tags.split()]
    assert word_of_interest(words, "paper") == paper
    assert word_of_interest(words, "compound") == compound
    assert word_of_interest(words, "reference") == reference


@pytest.mark.parametrize(
    ("answer", "paper", "compound"),
    [
        ("tennis racket", "tennis", "racket"),
        ("a hot dog stand", "dog", "stand"),
        ("The boy wearing glasses", "boy", "boy"),
        ("a computer screen on the desk", "computer", "screen"),
        ("the birthday cake", "birthday", "cake"),
        ("his cell phone screen", "cell", "screen"),
        ("the man's phone case", "man", "man"),
    ],
)
def test_compound_nouns(answer, paper, compound):
    spans = [(0, len(answer)), (len(answer), len(answer))]
    assert WordFinder(convention="paper")(answer, spans)[0] == paper
    assert WordFinder(convention="compound")(answer, spans)[0] == compound


@pytest.mark.parametrize(
    ("answer", "noun"),
    [
        ("he looks at phone", "phone"),
        ("she watches tv", "tv"),
        ("they look at the dog", "dog"),
        ("he also stares at a cake", "cake"),
        ("he paints a fence", "fence"),
        ("she can see her reflection", "reflection"),
        ("he doesn't know", None),
        ("i don't see a ball", "ball"),
        ("she’s holding a kite", "kite"),
        ("it looks at the camera", "camera"),
        ("he held the bat", "bat"),
        ("he has a phone", "phone"),
        ("he is a man", "man"),
        ("looks at camera", "camera"),
        ("look at the ball", "ball"),
        ("watches the game", "game"),
        ("holds a spoon", "spoon"),
        ("reads book", "book"),
        ("trying to catch frisbee", "frisbee"),
        ("the man looks at phone", "man"),
        ("people watch the game", "people"),
        ("woman grabs cup", "woman"),
        ("the child pets dog", "child"),
        ("fish tank", "tank"),
        ("children play with ball", "children"),
        ("his watch", "watch"),
        ("watch", "watch"),
        ("wrist watch", "watch"),
        ("the watch on his wrist", "watch"),
        ("a drink", "drink"),
        ("drinks and plates", "drinks"),
        ("the show", "show"),
        ("next to tree", "tree"),
        ("his face", "face"),
        ("surf board", "board"),
        ("saw", "saw"),
        ("a saw", "saw"),
    ],
)
def test_the_rules_find_nouns_after_verbs(answer, noun):
    found, _ = WordFinder()(answer, [(0, len(answer)), (len(answer), len(answer))])
    assert found == noun


def test_the_reference_takes_a_words_number_for_a_tokens():
    finder = WordFinder(convention="reference")
    spans = [
        (0, 3),
        (3, 9),
        (9, 15),
        (15, 21),
        (21, 21),
    ]  # "the", " skate", "boarder", "s ball", end
    assert finder("the skateboarder's ball", spans) == ("skateboarder", 1)
    # "him, the ball": the second mark and word are pieces of their own
    assert finder("him", [(0, 3), (3, 3)]) == ("him", 0)
    assert finder("a red", [(0, 1), (1, 5), (5, 5)]) == (None, 1)
    assert finder("a big red ball", [(0, 9), (9, 14), (14, 14)]) == (
        "ball",
        1,
    )  # word 3 of 3 tokens
    assert finder("the ball", [(0, 8), (8, 8)]) == (
        "ball",
        1,
    )  # points at the end token, as released


@given(st.text(max_size=30), st.sampled_from(["paper", "compound", "reference"]))
def test_a_noun_is_a_word_of_the_answer_and_its_token_exists(text, convention):
    spans = [(place, place + 1) for place in range(len(text))] + [(len(text), len(text))]
    noun, token = WordFinder(convention=convention)(text, spans)
    assert 0 <= token < len(spans)
    assert noun is None or (noun.strip() and noun in text)
    if noun and convention != "reference":
        assert text[token:].startswith(noun)


def test_the_tagger_is_named_and_what_is_missing_too():
    assert find_tagger("rules") == ("rules", tag_by_rules)
    with pytest.raises(InputError, match="expected auto, rules or spacy"):
        find_tagger("nltk")
    if missing_for_spacy():
        assert find_tagger("auto") == ("rules", tag_by_rules)
        with pytest.raises(InputError, match=r"en_core_web_sm not installed; .*nouns\.txt"):
            find_tagger("spacy")
    else:
        name, tagger = find_tagger("auto")
        assert name.startswith("spacy 3")
        assert (
            WordFinder(tagger)("the tennis racket", [(0, 3), (3, 10), (10, 17), (17, 17)])[1] == 2
        )


def test_prompts_are_the_papers():
    config = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
    questions = read_priors(config)[config["prior"]].questions
    boxed = "What is the person in the green bounding box looking at?"
    assert questions.body == questions.head == boxed
    assert questions.none == "What is the person looking at?"


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


@pytest.mark.parametrize(
    "box", [(3, 3, 3, 6), (6, 2, 3, 6), (-9, 1, 0, 5), (8, 1, 12, 5), (1, 1, float("nan"), 5)]
)
def test_boxes_without_area_in_the_image_are_refused(box):
    with pytest.raises(InputError, match="found no area of it in a 8x8 image"):
        draw_box(Image.new("RGB", (8, 8)), box)


def test_boxes_that_end_far_outside():
    image = Image.new("RGB", (8, 8))
    far = draw_box(image, (-1e30, 3, 1e30, 30))
    assert (np.asarray(far) == np.asarray(draw_box(image, (-9, 3, 20, 30)))).all()
    with pytest.raises(InputError, match=r"box \(1, 1, inf, 5\): expected finite sides"):
        draw_box(image, (1, 1, float("inf"), 5))


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


def test_words_and_marks_as_spacy_cuts_them(tmp_path: Path, monkeypatch):
    spacy = pytest.importorskip("spacy")
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("attribute_ruler")
    for word, tag in {"the": "DET", "man": "NOUN", "'s": "PART", "tennis": "NOUN"}.items():
        ruler.add([[{"LOWER": word}]], {"POS": tag})
    pipeline.to_disk(tmp_path / "pipeline")
    (tmp_path / "toy_english.py").write_text(
        f"import spacy\ndef load(**kept): return spacy.load({str(tmp_path / 'pipeline')!r}, **kept)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("gcdr.priors.vqa.nouns.SPACY_MODELS", ("no_such_model", "toy_english"))
    name, tagger = find_tagger("auto")
    assert name.startswith(f"spacy {spacy.__version__}, toy_english ")
    assert tagger("the man's") == [Word(0, 3, "DET"), Word(4, 7, "NOUN"), Word(7, 9, "PART")]
    assert tagger("") == []
