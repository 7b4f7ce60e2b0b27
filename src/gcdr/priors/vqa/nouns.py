"""The word of interest: the noun that an answer is about (Miao et al., ECCV 2024, Sec. 3.2, S3).

A tagger gives each word of an answer its part of speech: spaCy where its English model is installed,
else a few word lists. Answers are a few words ("a red ball", "the man's phone", "at the camera"), so
lists do: whatever is no function word, pronoun, adjective or verb form is taken for a noun.

============== ============================================ =====================================
convention     word of interest                             token that is explained
============== ============================================ =====================================
``paper``      last word of the first run of nouns and      the one at the word's first character
               proper nouns
``reference``  the same, and pronouns count as nouns        the one whose number is the *word's*
               (as the released code has it)                number, right or wrong
============== ============================================ =====================================

The last word heads a compound: a "tennis racket" is a racket. An answer without such a word is
explained by its last token before the end token.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gcdr.base.errors import InputError

Convention = Literal["paper", "reference"]
Span = tuple[int, int]
SPACY_MODEL = "en_core_web_sm"
_NOUNS = {
    "paper": frozenset({"NOUN", "PROPN"}),
    "reference": frozenset({"NOUN", "PROPN", "PRON"}),
}


class Word(NamedTuple):
    """A word or mark of a text: its characters ``start:stop`` and its universal part of speech."""

    start: int
    stop: int
    tag: str


Tagger = Callable[[str], list[Word]]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PRONOUNS = _words(
    """
    i me my mine myself you your yours yourself he him his himself she her hers herself it its itself
    we us our ours ourselves they them their theirs themselves who whom whose what
    someone somebody something anyone anybody anything everyone everybody everything
    nobody nothing none
    """
)
_FUNCTION_WORDS = _words(
    """
    a an the this that these those some any each every no all both either neither another such
    which where when why how
    one two three four five six seven eight nine ten many much few several more most other
    of in on at by for with from to into onto over under above below behind beside besides
    between among near against across along around through toward towards up down out off inside
    outside beneath beyond past upon within without about as like than via next front top
    and or but nor so if because while though although not only also too very just then there here
    is are was were be been being am do does did has have had can could will would shall should
    may might must yes away together straight ahead directly forward backward left right
    """
)
_ADJECTIVES = _words(
    """
    red green blue yellow black white brown grey gray pink purple beige dark bright
    big small large little tiny huge tall short long old young new good bad nice happy sad angry
    empty full open closed wooden plastic same different own first second third last hot cold
    warm wet dry clean dirty round square flat sharp soft hard heavy beautiful pretty colorful
    colourful male female unknown unclear visible blurry
    """
)
# Nouns that look like verb forms or adverbs.
_ING_NOUNS = _words(
    """
    building ceiling painting drawing clothing king ring string wing thing railing awning earring
    evening morning pudding wedding meeting crossing parking opening swing spring sling sibling
    duckling icing frosting stuffing
    """
)
_ED_NOUNS = _words("bed shed sled seed weed reed feed breed steed sunbed seabed")
_LY_NOUNS = _words("family fly butterfly belly lily jelly bully assembly ally dolly trolley")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*|'s\b|[^\s\w]|\d+")


def tag_by_rules(text: str) -> list[Word]:
    """Words of an answer in any case, tagged ``NOUN``, ``PRON`` or ``X`` by word lists."""
    return [Word(*match.span(), _tag(match.group().lower())) for match in _WORD.finditer(text)]


def _tag(word: str) -> str:
    if word in _PRONOUNS:
        return "PRON"
    if not word[0].isalpha() or word in _FUNCTION_WORDS or word in _ADJECTIVES:
        return "X"
    for ending, nouns in (("ing", _ING_NOUNS), ("ed", _ED_NOUNS), ("ly", _LY_NOUNS)):
        if word.endswith(ending):
            return "NOUN" if word in nouns else "X"
    return "NOUN"


def find_tagger(name: str) -> tuple[str, Tagger]:
    """A tagger and its full name, which belongs into what records the result.

    Args:
        name: ``"rules"``, ``"spacy"``, or ``"auto"``: spaCy where it is installed with its model.

    Raises:
        InputError: spaCy is wanted and it or its model is not installed, or the name is unknown.
    """
    if name not in ("auto", "rules", "spacy"):
        raise InputError(f"prior.tagger: found {name!r}, expected auto, rules or spacy")
    if name == "rules":
        return "rules", tag_by_rules
    try:
        import spacy

        model = spacy.load(SPACY_MODEL, disable=["parser", "ner", "lemmatizer"])
    except (ImportError, OSError) as error:
        if name == "auto":
            return "rules", tag_by_rules
        raise InputError(
            f"prior.tagger: found 'spacy', but it or its model is not installed ({error}); expected "
            f"both (pip install spacy; python -m spacy download {SPACY_MODEL}), or auto or rules"
        ) from error

    def tag(text: str) -> list[Word]:
        return [Word(word.idx, word.idx + len(word), word.pos_) for word in model(text)]

    return f"spacy {spacy.__version__}, {SPACY_MODEL} {model.meta['version']}", tag


def word_of_interest(words: Sequence[Word], convention: Convention = "paper") -> int | None:
    """Number of the last word of the first run of nouns; None where there is none."""
    found = None
    for number, word in enumerate(words):
        if word.tag in _NOUNS[convention]:
            found = number
        elif found is not None:
            break
    return found


@dataclass(frozen=True)
class WordFinder:
    """Finds the word of interest and the token that stands for it.

    Attributes:
        tagger: see :func:`find_tagger`.
        convention: see the table above.
    """

    tagger: Tagger = tag_by_rules
    convention: Convention = "paper"

    def __call__(self, text: str, spans: Sequence[Span]) -> tuple[str | None, int]:
        """The word (None where there is none) and the number of the token.

        Args:
            text: an answer.
            spans: characters of every token of it, the end token included (at least that one).
        """
        words = self.tagger(text)
        number = word_of_interest(words, self.convention)
        last = max(len(spans) - 2, 0)
        if number is None:
            return None, last
        start, stop, _ = words[number]
        if self.convention == "reference":
            # The release lets a word number equal to the token count fail; here it is too large too.
            return text[start:stop], number if number < len(spans) else last
        touching = (token for token, (_, end) in enumerate(spans) if end > start)
        return text[start:stop], next(touching, last)
