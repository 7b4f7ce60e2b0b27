"""OFA's tokens: GPT-2's byte-level BPE with the ids of OFA's dictionary."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer as Engine
from tokenizers import models, pre_tokenizers, trainers

from gcdr.base.errors import InputError
from gcdr.base.files import atomic, read_json
from gcdr.priors.vqa.ofa.model import BOS, EOS

# Pieces that no merge makes: marks such as <mask> and <bin_7>, and what fills dictionaries up.
UNMADE = re.compile(r"<.*>|madeupword\d+")
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
RELEASED_PIECES = 50265
"""Specials, BPE pieces and <mask> of the released models; image codes and coordinates follow."""
TOKENIZER_FILES = ("vocab.json", "merges.txt")


@dataclass(frozen=True)
class Decoded:
    """Text without outer blanks, and every token's characters ``(start, stop)`` in it."""

    text: str
    spans: tuple[tuple[int, int], ...]


class Tokenizer:
    """Text to token ids and back.

    Args:
        vocabulary: id of every piece (in GPT-2's printable spelling of bytes), 0 to 3 the specials.
        merges: pairs of pieces in order of priority.
    """

    def __init__(self, vocabulary: dict[str, int], merges: Sequence[tuple[str, str]]) -> None:
        self.vocabulary, self.merges = dict(vocabulary), list(merges)
        self._engine = Engine(models.BPE(vocab=self.vocabulary, merges=self.merges))
        self._engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self._symbols = {number: piece for piece, number in self.vocabulary.items()}
        if len(self._symbols) == RELEASED_PIECES:
            extra = [f"<code_{i}>" for i in range(8192)] + [f"<bin_{i}>" for i in range(1000)]
            self._symbols.update(enumerate(extra, RELEASED_PIECES))
        self._bytes = {character: byte for byte, character in _printable_bytes().items()}

    def __len__(self) -> int:
        """Size of the vocabulary."""
        return len(self._symbols)

    @classmethod
    def load(cls, folder: str | Path) -> "Tokenizer":
        """Read ``vocab.json`` and ``merges.txt``, as written by :meth:`save` and as released.

        Raises:
            InputError: a file is absent or is not what its name says.
        """
        path = Path(folder) / TOKENIZER_FILES[0]
        vocabulary = _read_pieces(path)
        if [vocabulary.get(piece) for piece in SPECIAL] != [0, 1, 2, 3]:
            raise InputError(f"{path}: expected the ids 0 to 3 for {' '.join(SPECIAL)}")
        if sorted(vocabulary.values()) != list(range(len(vocabulary))):
            raise InputError(f"{path}: expected the ids 0 to {len(vocabulary) - 1}, each once")
        return cls(vocabulary, _read_merges(Path(folder) / "merges.txt", vocabulary))

    @classmethod
    def load_fairseq(cls, folder: str | Path) -> "Tokenizer":
        """Read ``encoder.json``, ``vocab.bpe`` and ``dict.txt`` of OFA's own distribution.

        Raises:
            InputError: a file is absent or unreadable.
        """
        folder = Path(folder)
        encoder = _read_pieces(folder / "encoder.json")
        pieces = {str(number): piece for piece, number in encoder.items()}
        keys = [line.rsplit(" ", 1)[0] for line in _read_lines(folder / "dict.txt")]
        symbols = [*SPECIAL, *(pieces.get(key, key) for key in keys), "<mask>"]
        vocabulary = {symbol: number for number, symbol in enumerate(symbols)}
        return cls(vocabulary, _read_merges(folder / "vocab.bpe", vocabulary))

    @classmethod
    def train(cls, texts: Iterable[str], size: int) -> "Tokenizer":
        """Learn at most ``size`` byte-level pieces from texts; the same texts give the same pieces.

        Args:
            texts: questions and answers as the model will see them, without the leading blank.
            size: of the vocabulary, at least 260 (specials and bytes).
        """
        engine = Engine(models.BPE())
        engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=list(SPECIAL),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        engine.train_from_iterator((" " + text for text in sorted(set(texts))), trainer)
        learned = json.loads(engine.to_str())["model"]
        return cls(learned["vocab"], [tuple(pair) for pair in learned["merges"]])

    def save(self, folder: str | Path) -> None:
        """Write ``vocab.json`` and ``merges.txt``."""
        with atomic(Path(folder) / TOKENIZER_FILES[0]) as temporary:
            temporary.write_text(json.dumps(self.vocabulary, ensure_ascii=False), encoding="utf-8")
        with atomic(Path(folder) / TOKENIZER_FILES[1]) as temporary:
            lines = ["#version: 0.2", *(" ".join(pair) for pair in self.merges)]
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def encode_question(self, question: str) -> list[int]:
        """Start token, pieces and end token of a normalised question."""
        return [BOS, *self._pieces(question), EOS]

    def encode_answer(self, answer: str) -> list[int]:
        """Pieces and end token of an answer; the decoder's input starts with BOS instead."""
        return [*self._pieces(answer), EOS]

    def decode(self, tokens: Sequence[int]) -> Decoded:
        """Text of an answer, start and end tokens left out.

        A token that ends within a character counts it to itself; bytes that are no UTF-8 become the
        replacement character.
        """
        content, borders = b"", []
        for token in tokens:
            start = len(content)
            content += self._token_bytes(token)
            borders.append((start, len(content)))
        text = content.decode(errors="replace")
        stripped = text.strip()
        lead = len(text) - len(text.lstrip())

        def place(border: int) -> int:
            characters = len(content[:border].decode(errors="replace"))
            return min(max(characters - lead, 0), len(stripped))

        return Decoded(stripped, tuple((place(start), place(stop)) for start, stop in borders))

    def _pieces(self, text: str) -> list[int]:
        return self._engine.encode(" " + text).ids

    def _token_bytes(self, token: int) -> bytes:
        if token in (BOS, EOS):
            return b""
        symbol = self._symbols.get(token, "")
        if token < len(SPECIAL) or token >= RELEASED_PIECES - 1:
            return symbol.encode()
        return bytes(self._bytes[character] for character in symbol)


def _printable_bytes() -> dict[int, str]:
    """GPT-2's spelling of bytes: printable ones as they are, the others as letters from U+0100."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    spelled = {byte: chr(byte) for byte in printable}
    return {**spelled, **{byte: chr(256 + rank) for rank, byte in enumerate(others)}}


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: damaged or truncated; expected text in UTF-8 ({error})"
        ) from error


def _read_pieces(path: Path) -> dict[str, int]:
    pieces = read_json(path)
    if not isinstance(pieces, dict) or not all(type(number) is int for number in pieces.values()):
        raise InputError(f"{path}: expected a table of pieces and their numbers")
    return pieces


def _read_merges(path: Path, vocabulary: dict[str, int]) -> list[tuple[str, str]]:
    """Pairs of pieces, which make every piece of the vocabulary that is longer than a character.

    The last is how a file that was cut off at a line's end shows: it would give other tokens, silently.
    """
    merges = []
    for number, line in enumerate(_read_lines(path), 1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        pair = tuple(line.split(" "))
        if len(pair) != 2:
            raise InputError(f"{path}, line {number}: found {line!r}, expected two pieces")
        if unknown := [piece for piece in (*pair, "".join(pair)) if piece not in vocabulary]:
            raise InputError(f"{path}, line {number}: {unknown[0]!r} is not in the vocabulary")
        merges.append(pair)
    made = {"".join(pair) for pair in merges}
    for piece in vocabulary:
        if len(piece) > 1 and piece not in made and not UNMADE.fullmatch(piece):
            raise InputError(
                f"{path}: damaged or truncated; found {len(merges)} merges, expected one that makes "
                f"the piece {piece!r} of the vocabulary"
            )
    return merges
