"""A training in several processes ends as they do, and what they said is the last word."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gcdr.base.endings import ended_by_bad_input
from snakemake_logger_plugin_gcdr.causes import cause
from snakemake_logger_plugin_gcdr.wording import last_words

LAUNCH = Path(__file__).parents[2] / "workflow/scripts/launch.py"
SCRIPT = """
import os, signal, sys, time
from gcdr.base.command import run
from gcdr.base.errors import InputError

def main():
    if sys.argv[1] == "bad":
        raise InputError("a.h5: no people")
    if sys.argv[1] == "kill" and os.environ["RANK"] == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    open(sys.argv[2] + os.environ["RANK"], "w").close()
    time.sleep(60)

run(main)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A training's script, as far as its end is concerned."""
    made = tmp_path / "train.py"
    made.write_text(SCRIPT)
    return made


def start(script: Path, end: str) -> tuple[subprocess.Popen[str], Path]:
    """Two processes of a script, and their log."""
    log = script.with_name("job.log")
    command = [sys.executable, LAUNCH, "2", script, end, script.with_name("begun-")]
    with log.open("w") as file:
        return subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, text=True), log


@pytest.mark.slow
def test_bad_input_is_the_last_word(script: Path) -> None:
    run, log = start(script, "bad")
    assert run.wait(60) == 2, log.read_text()
    assert last_words(log) == ["error: a.h5: no people"]
    assert ended_by_bad_input(log, 0)


@pytest.mark.slow
def test_a_killed_process_is_told(script: Path) -> None:
    run, log = start(script, "kill")
    assert run.wait(60) == 137, log.read_text()
    assert "Traceback" not in log.read_text()
    assert cause([log.read_text()], "train_student", {}).startswith("killed, most likely")


@pytest.mark.slow
def test_asked_to_stop_it_shows_no_stack(script: Path) -> None:
    run, log = start(script, "wait")
    end = time.monotonic() + 60
    while len(list(script.parent.glob("begun-*"))) < 2:
        assert run.poll() is None and time.monotonic() < end, log.read_text()
        time.sleep(0.1)
    run.send_signal(signal.SIGTERM)
    assert run.wait(60) == 143, log.read_text()
    assert "Traceback" not in log.read_text()
    assert last_words(log)[-1] == "stopped by SIGTERM"
