"""What a run says on a terminal: a line a job, what is left, and what a failed job said."""

import os
import re
import subprocess
import sys
import time
from logging import ERROR, INFO, WARNING, Formatter, LogRecord, makeLogRecord
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snakemake_interface_logger_plugins.common import LogEvent
from tqdm import tqdm

import snakemake_logger_plugin_gcdr as terminal
from snakemake_logger_plugin_gcdr import wording
from snakemake_logger_plugin_gcdr.causes import cause
from snakemake_logger_plugin_gcdr.hints import advice
from snakemake_logger_plugin_gcdr.progress import DEMO_SECONDS, Job, Progress, known_seconds

ROOT = Path(__file__).parents[2]
COMMANDS = re.compile(r"^(?:use )?rule (?:\w+ as )?(\w+)(?: with)?:\n(?:(?!^\S).*\n?)*", re.M)


def record(event: LogEvent | None, text: str = "", level: int = INFO, **fields: Any) -> LogRecord:
    """A record as Snakemake makes it."""
    return makeLogRecord({"msg": text, "levelno": level, "event": event, **fields})


@pytest.fixture
def handler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> terminal.LogHandler:
    """A handler in a folder of its own, whose words go to standard error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").mkdir()
    monkeypatch.setitem(wording.PURPOSES, "train_student", "train student {name} ({study})")
    settings = SimpleNamespace(
        stdout=False, printshellcmds=False, verbose=False, debug_dag=False, dryrun=False
    )
    return terminal.LogHandler(settings, None)


def job(number: int, rule: str, **fields: Any) -> LogRecord:
    """The announcement of a job."""
    usual = {"log": [], "shellcmd": "python", "wildcards": {"name": "gcdr", "study": "demo"}}
    return record(LogEvent.JOB_INFO, jobid=number, rule_name=rule, reason="", **{**usual, **fields})


def test_a_job_is_a_line_with_its_purpose_and_what_is_left(
    handler: terminal.LogHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    handler.emit(record(LogEvent.RESOURCES_INFO, "Provided cores: 2", cores=2))
    handler.emit(record(None, "Select jobs to execute..."))
    handler.emit(record(None, "something is odd", WARNING))
    handler.emit(record(LogEvent.RUN_INFO, stats={"train_student": 2, "all": 1, "total": 3}))
    for number in (1, 2):
        handler.emit(record(LogEvent.JOB_STARTED, jobs=[number]))
        handler.emit(job(number, "train_student"))  # Snakemake says so a little later
        handler.emit(record(LogEvent.JOB_FINISHED, job_id=number))
    handler.emit(record(LogEvent.JOB_STARTED, jobs=[3]))
    handler.emit(job(3, "all", shellcmd=None))
    handler.emit(record(LogEvent.JOB_FINISHED, job_id=3))
    handler.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "something is odd"
    assert lines[1] == "3 jobs, about 2 min on 2 cores"
    assert lines[2] == "1 of 3, under a minute left: train student gcdr (demo) (0:00)"
    assert lines[3:] == ["2 of 3: train student gcdr (demo) (0:00)"]
    assert set(known_seconds(terminal.SECONDS)) == {"train_student"}


def test_a_failed_job_says_what_its_log_says_and_the_run_what_to_do(
    handler: terminal.LogHandler, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    log = tmp_path / "student.log"
    log.write_text("start-up: 3 CPU seconds\nerror: a.h5: not an HDF5 file\n")
    handler.emit(job(1, "train_student", log=[str(log)]))
    handler.emit(record(LogEvent.JOB_STARTED, jobs=[1]))
    handler.emit(record(LogEvent.ERROR, "RuleException:\nCalledProcessError in file x", ERROR))
    handler.emit(
        record(LogEvent.JOB_ERROR, level=ERROR, jobid=1, rule_name="train_student", log=[str(log)])
    )
    handler.emit(record(LogEvent.ERROR, "WorkflowError:\nAt least one job did not complete", ERROR))
    handler.close()
    assert capsys.readouterr().err.splitlines() == [
        "failed: train student gcdr (demo)",
        "    error: a.h5: not an HDF5 file",
        f"    all of it: {log}",
        "1 job failed. Mend what is said above and start the same command again: what is done is kept.",
    ]


def test_a_cluster_has_jobs_that_wait_and_others_that_run(
    handler: terminal.LogHandler,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What waits is said so, with SLURM's reason in the end; what a job took is what it says itself."""
    squeue = tmp_path / "squeue"
    squeue.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\nprintf "PartitionConfig\\n"')
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    handler.emit(record(LogEvent.RESOURCES_INFO, "Provided remote nodes: 50", nodes=50))
    handler.emit(record(None, "SLURM run ID: 52d2"))
    handler.emit(record(LogEvent.RUN_INFO, stats={"train_student": 2, "all": 1, "total": 3}))
    log, bench = tmp_path / "one.log", tmp_path / "one.tsv"
    handler.emit(record(LogEvent.JOB_STARTED, jobs=[1, 2]))
    handler.emit(job(1, "train_student", log=[str(log)], benchmark=str(bench)))
    handler.emit(job(2, "train_student", log=[str(tmp_path / "two.log")]))
    now = time.monotonic()
    assert handler.running(now) == [] and handler.submitted(now) == ["submitted: 2 jobs"]
    log.write_text("start-up: 3 CPU seconds\n")
    (running,) = handler.running(now + 90)
    assert running == "0:00: train student gcdr (demo)"  # its waiting is no work
    assert handler.submitted(now + 600) == ["submitted: 1 job (SLURM: 1 PartitionConfig)"]
    assert "-n 52d2 -t PD" in (tmp_path / "asked").read_text()
    bench.write_text("s\th:m:s\tmax_rss\n75.5\t0:01:15\t100\n")
    handler.emit(record(LogEvent.JOB_FINISHED, job_id=1))
    handler.close()
    assert "1 of 3" in (said := capsys.readouterr().err) and "gcdr (demo) (1:16)" in said
    assert known_seconds(terminal.SECONDS) == {"train_student": 75.5}


def fail(handler: terminal.LogHandler, number: int, **fields: Any) -> None:
    """Snakemake's words of a job that was begun and has failed."""
    handler.emit(record(LogEvent.JOB_STARTED, jobs=[number]))
    usual = {"jobid": number, "rule_name": "train_student", "log": [], "shellcmd": "python"}
    handler.emit(record(LogEvent.JOB_ERROR, level=ERROR, **{**usual, **fields}))


def test_a_job_that_is_repeated_with_success_has_not_failed(
    handler: terminal.LogHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    handler.emit(record(LogEvent.RUN_INFO, stats={"train_student": 2, "total": 2}))
    for number in (1, 2):
        handler.emit(job(number, "train_student"))
        fail(handler, number)
    handler.emit(record(None, "Trying to restart job 1."))
    handler.emit(record(LogEvent.JOB_FINISHED, job_id=1))
    handler.emit(record(LogEvent.ERROR, "WorkflowError:\nAt least one job did not complete", ERROR))
    handler.close()
    said = capsys.readouterr().err
    assert "repeated: train student gcdr (demo)" in said and "1 job failed. Mend" in said


def test_a_job_that_was_killed_says_for_what(
    handler: terminal.LogHandler, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    own, slurm, old = (tmp_path / name for name in ("student.log", "7.log", "earlier.log"))
    own.write_text("start-up: 3 CPU seconds\n")
    slurm.write_text("slurmstepd: error: *** STEP 7.0 ON vm CANCELLED AT 0 DUE TO TIME LIMIT ***\n")
    old.write_text("start-up: 3 CPU seconds\nerror: of an earlier run\n")
    os.utime(old, (0, 0))
    asked = {"mem_mb": 900, "runtime": 60}
    handler.emit(job(1, "train_student", log=[str(own)], resources=asked))
    fail(handler, 1, log=[str(own), str(slurm)], rule_msg="SLURM status is: 'FAILED'")
    assert capsys.readouterr().err.splitlines()[1:] == [
        "    start-up: 3 CPU seconds",
        "    over its time, had 60 minutes: give it more, --set-resources train_student:runtime=120",
        f"    all of it: {own}",
        f"    all of it: {slurm}",
    ]
    handler.emit(job(2, "train_student", log=[str(old)], resources=asked))
    killed = "RuleException:\nCommand 'set -e; python x' returned non-zero exit status 137."
    handler.emit(record(LogEvent.ERROR, killed, ERROR))
    fail(handler, 2, log=[str(old)], shellcmd="python x")
    assert capsys.readouterr().err.splitlines()[1:] == [
        "    killed, most likely for want of memory, had 900 MB: give it more, "
        "--set-resources train_student:mem_mb=1800"
    ]


@pytest.mark.parametrize(
    ("said", "begins"),
    [
        ("SLURM status is: 'OUT_OF_MEMORY'", "out of memory, had 100 MB"),
        (
            "slurmstepd: error: Step 7.0 exceeded memory limit (3 > 2), being killed",
            "out of memory",
        ),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried", "out of the GPU's memory: a smaller"),
        ("RuntimeError: CUDA error: out of memory", "out of the GPU's memory: a smaller"),
        ("error: the GPU has too little memory (Tried to allocate 2 GiB)", ""),
        ("terminate called after throwing an instance of 'std::bad_alloc'", "out of memory"),
        ("/bin/sh: line 1:  4711 Killed                  python x", "killed, most likely"),
        ("Killed", "killed, most likely"),
        ("Bus error (core dumped)", "killed, most likely"),
        ("slurmstepd: error: *** JOB 7 was Killed by its user", ""),
        (
            "RuntimeError: [enforce fail at alloc_cpu.cpp:118] can't allocate memory",
            "out of memory",
        ),
        ("*** STEP 7.0 CANCELLED AT 1 DUE TO PREEMPTION ***", "preempted"),
        ("SLURM status is: 'NODE_FAIL'", "its node failed"),
        ("*** STEP 7.0 CANCELLED AT 1 ***", "cancelled"),
        ("KeyError: 'a mistake of ours'", ""),
    ],
)
def test_a_cause_is_read_from_what_others_say(said: str, begins: str) -> None:
    found = cause(["start-up: 1 CPU seconds", said], "gradcam", {"mem_mb": 100})
    assert found.startswith(begins) and bool(found) == bool(begins)


def test_errors_lose_the_places_that_raised_them(
    handler: terminal.LogHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'WorkflowError in file "checked.smk", line 24:\nconfiguration: 1 problem(s)\n  File "checked.smk"'
    handler.emit(record(LogEvent.ERROR, text, ERROR))
    handler.emit(record(LogEvent.ERROR, "MissingRuleException:\nNo rule to produce table99", ERROR))
    assert capsys.readouterr().err.splitlines() == [
        "configuration: 1 problem(s)",
        "No rule to produce table99",
        "snakemake --list-target-rules names what can be asked for",
    ]


def test_advice_is_given_where_snakemake_names_no_remedy(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1\nb: 2\n")
    (said,) = advice("Config file is not valid JSON or YAML.", ["-n", "--configfile", str(broken)])
    assert said.startswith(f"{broken}, line 2, column 2: no valid YAML")
    (said,) = advice("Invalid config definition: Config entry must start with a valid", [])
    assert "--config 'split={share: 5}'" in said
    assert advice("something else", [str(broken)]) == []
    problems = (
        "configuration: 2 problem(s)\n  gaze.models.vat.init: no file x\n  refine.steps: found 0"
    )
    assert advice(problems, []) == ["read docs/weights.md, docs/configuration.md"]


def test_of_a_traceback_the_message_is_left_unless_it_went_through_our_code() -> None:
    text = (
        'Traceback (most recent call last):\n\n  File "snakemake/cli.py", line 1, in main\n    x\n\n'
        "FileNotFoundError: [Errno 2] No such file or directory: 'nope.yaml'\n"
    )
    assert wording.end_of_traceback(text) == "No such file or directory: 'nope.yaml'"
    ours = text.replace("snakemake/cli.py", "src/gcdr/config/checked.py")
    assert wording.end_of_traceback(ours) == ours


def test_a_mistake_of_the_handler_hides_nothing(
    handler: terminal.LogHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    handler.setFormatter(Formatter("%(message)s"))
    handler.emit(record(LogEvent.RUN_INFO, "3 jobs"))  # without the numbers that it counts on
    assert capsys.readouterr().err == "3 jobs\n"


def test_progress_is_read_from_bars(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    with open(log, "w") as file:
        for _ in tqdm(range(40), "gaze model", file=file, mininterval=0, unit="step"):
            pass
        print("saved", file=file)
    said = wording.bar_of(log)
    assert said is not None and re.fullmatch(
        r"gaze model 40/40 \(100 %\), [\d.]+step/s, 0:00 left", said
    )
    assert wording.last_words(log) == ["saved"]
    assert wording.bar_of(tmp_path / "none.log") is None
    assert wording.last_words(tmp_path / "none.log") == []


def test_ctrl_c_while_a_job_starts_is_told_in_a_line(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    said = subprocess.run(
        [sys.executable, "-c", "raise KeyboardInterrupt"], stderr=subprocess.PIPE, text=True
    ).stderr
    log.write_text(said)
    assert "Traceback" in said and wording.last_words(log) == ["stopped by SIGINT"]


def test_reasons_are_short() -> None:
    assert wording.why("Missing output files: a; Input files updated by another job: b") == ""
    assert len(wording.why("Updated input files: " + "x" * 400)) == 110
    other = (
        "Params have changed since last execution: "
        "Union of exclusive params before and now across all output: "
    )
    code = "before: 'code of sweep 0123456789ab' now: 'code of sweep ba9876543210'"
    assert wording.why(other + code) == "the code of sweep has changed"
    leaf = """before: '{"a": 1, "steps": 30}' now: '{"a": 1, "steps": 40}'"""
    assert wording.why(other + leaf) == "settings have changed (steps 30 → 40)"
    assert wording.why(f"{other}before: <nothing exclusive> now: 'x'") == "settings have changed"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "under a minute"), (130, "about 2 min"), (5400, "about 1 h 30 min"), (7200, "about 2 h")],
)
def test_guesses_are_rough(seconds: float, said: str) -> None:
    assert wording.about(seconds) == said


@pytest.mark.slow
@given(
    st.dictionaries(st.sampled_from(sorted(DEMO_SECONDS)), st.integers(1, 5), min_size=1),
    st.integers(1, 8),
    st.floats(0.01, 1000),
)
def test_what_is_left_goes_to_nothing(planned: dict[str, int], cores: int, pace: float) -> None:
    """Whatever the order and the machine, with each job that ends less is left, and nothing in the end."""
    progress, now, number = Progress(cores=cores), 0.0, 0
    progress.plan(planned)
    assert progress.left(now) > 0
    for rule, count in planned.items():
        for _ in range(count):
            progress.announce(number, Job(rule, rule))
            progress.start([number], now)
            now += DEMO_SECONDS[rule] * pace
            assert progress.left(now) >= 0
            progress.end(number, now)
            number += 1
    assert progress.done == progress.total and progress.left(now) == 0
    same = Progress(progress.seconds(), cores)
    same.plan(planned)
    assert same.left(0) == pytest.approx(
        sum(DEMO_SECONDS[r] * pace * n for r, n in planned.items()) / cores
    )


def test_every_command_has_a_purpose() -> None:
    text = (ROOT / "workflow/rules/menu.smk").read_text()
    named = set(re.findall(r'^    "(\w+)": ', text, re.M))
    rules = {
        found[1]
        for path in ROOT.glob("workflow/rules/*.smk")
        for found in COMMANDS.finditer(path.read_text())
        if "    shell:" in found[0] or found[0].startswith("use ")
    }
    assert len(rules) > 40 and rules == named
