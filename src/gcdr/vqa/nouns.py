"""The word of interest: the noun that an answer is about (Miao et al., ECCV 2024, Sec. 3.2).

Answers are a few words ("a red ball", "the man's phone", "at the camera"), so word lists do:
whatever is no function word, adjective or verb form is taken for a noun.
"""

import re
from collections.abc import Sequence


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FUNCTION_WORDS = _words(
    """
    a an the this that these those some any each every no all both either neither another such
    my your his its our their whose which what who whom where when why how
    one two three four five six seven eight nine ten many much few several more most other
    of in on at by for with from to into onto over under above below behind beside besides
    between among near against across along around through toward towards up down out off inside
    outside beneath beyond past upon within without about as like than via next front top
    and or but nor so if because while though although not only also too very just then there here
    is are was were be been being am do does did has have had can could will would shall should
    may might must yes away together straight ahead directly forward backward left right
    he she they we i you
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
    building ceiling painting drawing clothing king ring string wing thing something anything
    nothing everything railing awning earring evening morning pudding wedding meeting crossing
    parking opening swing spring sling sibling duckling icing frosting stuffing
    """
)
_ED_NOUNS = _words("bed shed sled seed weed reed feed breed steed sunbed seabed")
_LY_NOUNS = _words("family fly butterfly belly lily jelly bully assembly ally dolly trolley")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*|'s\b|[^\s\w]|\d+")


def find_noun(text: str) -> tuple[int, int] | None:
    """Character span of an answer's noun: the last word of the first run of nouns.

    The last word heads a compound (a "tennis ball" is a ball). Pronouns that stand for a thing or
    a person ("him", "something") count as nouns.

    Args:
        text: an answer in any case.

    Returns:
        ``(start, stop)``, or None where no word is a noun.
    """
    span = None
    for match in _WORD.finditer(text):
        if _is_noun(match.group().lower()):
            span = match.span()
        elif span is not None:
            break
    return span


def noun_token(span: tuple[int, int] | None, spans: Sequence[tuple[int, int]]) -> int:
    """Index of the answer token that stands for the noun.

    Where a noun is several tokens the first is taken: with it the model chooses the word. Without
    a noun it is the last token before the end token.

    Args:
        span: characters of the noun, from :func:`find_noun`.
        spans: characters of every token, the end token included.
    """
    if span is not None:
        for index, (_, stop) in enumerate(spans):
            if stop > span[0]:
                return index
    return max(len(spans) - 2, 0)


def _is_noun(word: str) -> bool:
    if not word[0].isalpha() or word in _FUNCTION_WORDS or word in _ADJECTIVES:
        return False
    if word.endswith("ing"):
        return word in _ING_NOUNS
    if word.endswith("ed"):
        return word in _ED_NOUNS
    return not word.endswith("ly") or word in _LY_NOUNS
