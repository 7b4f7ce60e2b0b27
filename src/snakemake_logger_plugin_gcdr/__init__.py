"""Snakemake's output in a terminal: a line a job, with what is done and about how long the rest takes.

The name of this package is how Snakemake finds it (``logger: gcdr`` in a profile). Snakemake's own text goes
to its log file as ever; with ``--printshellcmds``, ``--verbose`` or ``--debug-dag`` to the terminal too.
"""

import json
import os
import re
import shutil
import sys
import threading
import time
from dataclasses import dataclass, field
from logging import WARNING, LogRecord
from pathlib import Path
from typing import Any, Optional, TextIO

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

from snakemake_logger_plugin_gcdr.causes import cause
from snakemake_logger_plugin_gcdr.hints import advice
from snakemake_logger_plugin_gcdr.pending import has_begun, reasons, seconds_of
from snakemake_logger_plugin_gcdr.progress import Job, Progress, known_seconds
from snakemake_logger_plugin_gcdr.wording import (
    about,
    bar_of,
    duration,
    end_of_traceback,
    last_words,
    purpose,
    text_of,
    why,
)

SECONDS = Path(".snakemake", "gcdr-seconds.json")
BETWEEN = " | "
EVERY = 60.0  # seconds between two lines about jobs that run, where lines cannot be written over
# What Snakemake says of itself, by how it begins; all of it is in the log file.
ASIDES = (
    "Assuming unrestricted", "Building DAG", "host:", "Using shell:", "Select jobs", "Execute ",
    "Finished job", "Removing temporary", "Complete log", "Shutting down", "Config file", "Reasons:", "    ",
    "This was a dry-run", "Exiting because", "Resuming incomplete",
)  # fmt: skip
LONG = 180.0  # seconds after which it is asked why submitted jobs wait
RUN = re.compile(r"SLURM run ID: (\S+)")
REPEATED = re.compile(r"Trying to restart job (\S+)\.")
# Lines about where in our rules an error was raised.
OURS = ("WorkflowError in file", "WorkflowError:", "MissingRuleException:", "  File ")


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """Options of Snakemake's command line, such as ``--logger-gcdr-jobs``."""

    jobs: Optional[Path] = field(  # noqa: UP045  Snakemake makes an option of it, and reads no other spelling
        default=None,
        metadata={
            "help": "File to append jobs to as they are announced, a JSON object a line: rule, wildcards, "
            "threads, resources."
        },
    )


class LogHandler(LogHandlerBase):
    """What Snakemake calls with everything that it has to say."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False  # that of Snakemake: --quiet is for it
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        said = self.common_settings
        self.plain = bool(said.printshellcmds or said.verbose or said.debug_dag)
        self.live = self.stream.isatty() and os.environ.get("TERM") != "dumb" and not said.dryrun
        self.progress = Progress(known_seconds(SECONDS))
        self.begun = time.time()
        self.on_nodes = False
        self.run = ""  # its name among SLURM's jobs
        self.waits, self.asked = "", 0.0  # why jobs wait, and when that was asked
        self.failed: set[int] = set()  # jobs that have failed and were not repeated with success
        self.commands: list[str] = []  # what was said of commands that failed
        self.logs_of_group: list[str] = []
        self.lock_of_stream = threading.Lock()
        self.over = threading.Event()
        self.ticker: threading.Thread | None = None

    @property
    def stream(self) -> TextIO:
        """Where it is written: a plan to standard output, a run to standard error."""
        return sys.stdout if self.common_settings.stdout else sys.stderr

    def emit(self, record: LogRecord) -> None:
        """Write what a record says, if it is for people."""
        try:
            event = getattr(record, "event", None)
            answer = getattr(self, f"on_{event}", None) if event else None
            if self.plain or answer is None:
                self.say(self.format(record) if self.plain else self.remark(record))
            else:
                answer(record)
        except Exception:  # what was to be said is said, in Snakemake's words
            self.say(self.format(record))

    def close(self) -> None:
        """Stop counting, and keep what jobs took for the next run."""
        self.over.set()
        if self.ticker is not None:
            self.ticker.join()
        seconds = self.progress.seconds()
        if seconds != self.progress.known and SECONDS.parent.is_dir():
            temporary = SECONDS.with_suffix(".new")
            temporary.write_text(json.dumps(seconds, indent=1, sort_keys=True))
            temporary.replace(SECONDS)
        super().close()

    # What Snakemake tells

    def on_workflow_started(self, record: Any) -> None:
        """Nothing: who called it knows how."""

    on_shellcmd = on_progress = on_rulegraph = on_group_info = on_debug_dag = on_workflow_started

    def on_resources_info(self, record: Any) -> None:
        """How many jobs may run at once; on a cluster nobody knows how many do."""
        self.progress.cores = getattr(record, "cores", None) or self.progress.cores
        self.on_nodes = self.on_nodes or hasattr(record, "nodes")

    def on_run_info(self, record: Any) -> None:
        """What is to be made."""
        first = not self.progress.planned
        self.progress.plan(record.stats)
        if self.common_settings.dryrun:
            if not first:
                self.say(record.getMessage())  # the table of jobs
            return
        left = about(self.progress.left(time.monotonic()))
        cores = f"on {self.progress.cores} cores"
        where = "one after another; a cluster runs many at a time" if self.on_nodes else cores
        self.say(f"{self.progress.total} jobs, {left} {where}")
        self.ticker = threading.Thread(target=self.tick, daemon=True)
        self.ticker.start()

    def on_job_info(self, record: Any) -> None:
        """A job that begins, or that a dry run would begin."""
        inside = not getattr(record, "shellcmd", None)
        what = purpose(record.rule_name, record.wildcards)
        asked = dict(getattr(record, "resources", None) or {})
        self.progress.announce(
            record.jobid,
            Job(
                record.rule_name,
                what,
                tuple(record.log or ()),
                inside,
                asked,
                getattr(record, "benchmark", None),
            ),
        )
        if isinstance(self.settings, LogHandlerSettings) and self.settings.jobs and not inside:
            self.note(self.settings.jobs, record, asked)
        if self.common_settings.dryrun and not inside:
            reason = why(record.reason)
            self.say(f"{what}: {reason}" if reason else what)

    def note(self, file: Path, record: Any, asked: dict[str, object]) -> None:
        """Append a job to a file, for programs."""
        plain = {name: value for name, value in asked.items() if isinstance(value, int | str)}
        job = {"rule": record.rule_name, "wildcards": dict(record.wildcards or {})}
        with open(file, "a") as text:
            text.write(json.dumps({**job, "threads": record.threads, "resources": plain}) + "\n")

    def on_job_started(self, record: Any) -> None:
        """Some jobs have begun, or were submitted."""
        start = self.progress.submit if self.on_nodes else self.progress.start
        start(record.jobs, time.monotonic())

    def on_job_finished(self, record: Any) -> None:
        """A job has ended well: its line."""
        now = time.monotonic()
        self.failed.discard(record.job_id)
        known = self.progress.announced.get(record.job_id)
        # A cluster's jobs wait before they begin, and are noticed late.
        own = seconds_of(known.benchmark, self.begun) if known and self.on_nodes else None
        ended = self.progress.end(record.job_id, now, took=own)
        if ended is None or ended[0].inside:
            return
        job, took = ended
        total = str(self.progress.total)
        done = f"{self.progress.done:>{len(total)}} of {total}"
        some = self.progress.done < self.progress.total - 1
        left = f", {about(self.progress.left(now))} left" if some else ""
        self.say(f"{done}{left}: {job.what} ({duration(took)})")

    def on_job_error(self, record: Any) -> None:
        """A job has failed: what it said, what ended it where it could not say, and where all of it is."""
        ended = self.progress.end(record.jobid, time.monotonic(), good=False)
        job = ended[0] if ended else Job(record.rule_name, purpose(record.rule_name, {}))
        own, others = self.logs_of(record, job)
        if getattr(record, "indent", False) and not own:
            return  # one of a group that had not begun
        self.failed.add(record.jobid)
        said = [line for log in own or others for line in last_words(log)]
        told = [str(getattr(record, "rule_msg", None) or ""), *map(text_of, own + others)]
        command = getattr(record, "shellcmd", None)
        told += [text for text in self.commands if command and command in text]
        lines = [*said, *filter(None, [cause(told, job.rule, job.asked)])]
        places = [f"    all of it: {log}" for log in own + others]
        self.say("\n".join([f"failed: {job.what}", *(f"    {line}" for line in lines), *places]))

    def logs_of(self, record: Any, job: Job) -> tuple[list[str], list[str]]:
        """The logs of a job, and what others, such as SLURM, wrote of it; without those of earlier runs."""
        logs = [*(record.log or ()), *self.logs_of_group]
        fresh = [log for log in logs if os.path.exists(log) and os.path.getmtime(log) >= self.begun]
        own = [log for log in fresh if log in job.logs]
        return own, [log for log in fresh if log not in own]

    def on_group_error(self, record: Any) -> None:
        """Jobs that ran as one have failed; Snakemake goes on to tell of each of them."""
        self.logs_of_group = list(getattr(record, "aux_logs", None) or ())

    def on_error(self, record: Any) -> None:
        """What ended the run, without the places in our own files that raised it."""
        said = record.getMessage()
        if said.startswith("RuleException:"):
            self.commands.append(said)  # its job says why
            return
        if self.failed and "did not complete" in said:
            jobs = "1 job" if len(self.failed) == 1 else f"{len(self.failed)} jobs"
            self.say(
                f"{jobs} failed. Mend what is said above and start the same command again: what is done "
                "is kept."
            )
            return
        if "Traceback (most recent call last)" in said:
            kept = end_of_traceback(said)
        else:
            kept = "\n".join(line for line in said.splitlines() if not line.startswith(OURS))
        self.say("\n".join([kept, *advice(kept, sys.argv)]))

    # What people see

    def remark(self, record: LogRecord) -> str:
        """A line that belongs to no event: all warnings, of the rest what is not about Snakemake itself."""
        text = record.getMessage() if record.msg else ""
        if named := RUN.search(text):
            self.run = named[1]
        if repeated := REPEATED.fullmatch(text):
            return f"repeated: {self.progress.name_of(repeated[1])}"
        aside = text.startswith(ASIDES) or not text.strip() or text == "None"
        return "" if aside and record.levelno < WARNING else text

    def say(self, text: str) -> None:
        """Write some lines, over the line of jobs that run."""
        if not text:
            return
        with self.lock_of_stream:
            self.stream.write(("\r\x1b[K" if self.live else "") + text + "\n")
            self.stream.flush()

    def tick(self) -> None:
        """Say what is being done: each second in one place, or now and then on a line of its own."""
        while not self.over.wait(1.0 if self.live else EVERY):
            now = time.monotonic()
            parts = [*self.running(now), *self.submitted(now)]
            if self.live:
                room = (shutil.get_terminal_size().columns - 1) // max(1, len(parts)) - len(BETWEEN)
                with self.lock_of_stream:
                    self.stream.write("\r\x1b[K" + BETWEEN.join(part[:room] for part in parts))
                    self.stream.flush()
            elif parts:
                self.say(("running: " if self.progress.running else "") + BETWEEN.join(parts))
        if self.live:
            self.stream.write("\r\x1b[K")

    def submitted(self, now: float) -> list[str]:
        """How many jobs a cluster has not begun, and why, once they have waited for minutes."""
        if not (waiting := self.progress.waiting):
            return []
        if now - min(waiting) < LONG:
            self.waits = ""
        elif now - self.asked > EVERY - 1:
            self.asked, self.waits = now, reasons(self.run)
        jobs = "1 job" if len(waiting) == 1 else f"{len(waiting)} jobs"
        return [f"submitted: {jobs}" + (f" (SLURM: {self.waits})" if self.waits else "")]

    def running(self, now: float) -> list[str]:
        """The jobs that run: for how long, how far by their own progress bars, and what they are for."""
        parts = []
        offset = time.time() - now
        self.progress.begin(lambda job, since: has_begun(job.logs, since + offset), now)
        for job, since in self.progress.running:
            bars = [bar for log in job.logs if (bar := bar_of(log))]
            if not job.inside:
                parts.append(f"{', '.join([duration(now - since), *bars[-1:]])}: {job.what}")
        return parts
