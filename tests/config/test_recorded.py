"""Results exchanged for older ones, told by what Snakemake wrote down of its jobs."""

import json
import os
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from gcdr.config.recorded import KNOWN, RECORDS, exchanged_inputs

INPUT, MADE = "results/data/own/priors/ofa.h5", "results/own/pseudo/gcdr.h5"


def put(top: Path, name: str, content: bytes, date: int) -> None:
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (date, date))


def write_record(top: Path, made: str, inputs: dict[str, bytes]) -> None:
    """A record as Snakemake names and writes it: long names are cut in pieces."""
    name = urlsafe_b64encode(made.encode()).decode()
    pieces = [name[i : i + 254] for i in range(0, len(name), 254)]
    path = (top / RECORDS).joinpath(*(f"@{piece}" for piece in pieces[:-1]), pieces[-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    sums = {file: f"sha256:{sha256(content).hexdigest()}" for file, content in inputs.items()}
    path.write_text(json.dumps({"rule": "any", "input_checksums": sums}))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    put(tmp_path, INPUT, b"maps", 1000)
    put(tmp_path, MADE, b"labels", 2000)
    write_record(tmp_path, MADE, {INPUT: b"maps", "own.csv": b"the user's"})
    return tmp_path


def test_what_lies_where_it_lay_is_nothing_to_say(run: Path) -> None:
    assert exchanged_inputs(["results/own/"], run) == {}
    assert exchanged_inputs(["results/own/"], run / "nothing there") == {}


def test_other_content_of_an_older_date_is_found_and_again_after_it_was_read(run: Path) -> None:
    exchanged_inputs(["results/own/"], run)  # what it read it keeps
    put(run, INPUT, b"MAPS", 1000)  # as long and as old
    for _ in range(2):
        assert exchanged_inputs(["results/own/"], run) == {INPUT: [MADE]}
    assert exchanged_inputs(["results/another/"], run) == {}
    put(run, INPUT, b"MAPS", 3000)  # Snakemake sees that itself
    assert exchanged_inputs(["results/own/"], run) == {}
    put(run, INPUT, b"maps", 500)
    assert exchanged_inputs(["results/own/"], run) == {}


def test_long_names_and_several_files(run: Path) -> None:
    long = f"results/own/{'n' * 200}/{'m' * 200}.h5"
    put(run, long, b"more", 2000)
    write_record(run, long, {INPUT: b"maps"})
    put(run, INPUT, b"MAPS", 1000)
    found = exchanged_inputs(["results/own/"], run)
    assert {file: sorted(made) for file, made in found.items()} == {INPUT: sorted([MADE, long])}


def test_records_that_cannot_be_read_are_left_to_snakemake(run: Path) -> None:
    (run / RECORDS / "not base64!").write_text("{}")
    (run / RECORDS / urlsafe_b64encode(b"results/own/x").decode()).write_text("half")
    (run / KNOWN).write_text("half")
    put(run, "results/own/x", b"", 2000)
    assert exchanged_inputs(["results/own/"], run) == {}
    (run / MADE).unlink()
    (run / INPUT).unlink()
    assert exchanged_inputs(["results/own/"], run) == {}
