"""What has been done of a run, what is being done, and how long the rest may take."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEMO_SECONDS = {
    "world": 21, "detect": 9, "samples": 11, "gradcam": 13, "train_diffusion": 80, "train_fold": 40,
    "train_teacher": 125, "train_student": 125, "train_online_student": 180, "train_consistency": 180,
    "train_token_student": 125, "train_mapping": 60, "make_labels": 25, "evaluate": 8, "evaluate_labels": 8,
    "choose_timestep": 30, "sweep": 32, "page": 20,
}  # fmt: skip
"""What a job of a rule takes in the demo, on one of two cores; of others OTHERWISE. How much longer it takes
elsewhere shows in the jobs that have ended."""
OTHERWISE = 4.0
FIRM = 60.0  # seconds of jobs as fast as in the demo that are thought to have been seen


@dataclass(frozen=True)
class Job:
    """A job that has been announced."""

    rule: str
    what: str
    logs: tuple[str, ...] = ()
    inside: bool = False  # one without a command, such as a target
    asked: Mapping[str, object] = field(default_factory=dict)  # the resources that it was given
    benchmark: str | None = None


@dataclass
class Progress:
    """State of a run; times are seconds of one clock.

    Args:
        known: seconds a job by rule, from runs before this one.
        cores: jobs that may run at once.
    """

    known: Mapping[str, float] = field(default_factory=dict)
    cores: int = 1
    planned: Counter[str] = field(default_factory=Counter)
    submitted: dict[int, float] = field(default_factory=dict)  # to a cluster, and not begun there
    started: dict[int, float] = field(default_factory=dict)
    ended: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    announced: dict[int, Job] = field(default_factory=dict)
    done: int = 0

    def plan(self, stats: Mapping[str, int]) -> None:
        """Jobs of each rule that the run is to make."""
        self.planned = Counter({rule: n for rule, n in stats.items() if rule != "total"})

    def announce(self, number: int, job: Job) -> None:
        self.announced[number] = job

    def name_of(self, number: str) -> str:
        """What a job does, by its number as text; of jobs in a group, that they are one."""
        known = self.announced.get(int(number)) if number.isdigit() else None
        return known.what if known else "a group of jobs"

    def start(self, numbers: Iterable[int], now: float) -> None:
        self.started |= dict.fromkeys(numbers, now)

    def submit(self, numbers: Iterable[int], now: float) -> None:
        """Jobs are a cluster's now, which begins them when it can."""
        self.submitted |= dict.fromkeys(numbers, now)

    def begin(self, begun: Callable[[Job, float], bool], now: float) -> None:
        """Count those submitted jobs as running of which a function of job and time of submission says so."""
        for number, since in list(self.submitted.items()):
            if number in self.announced and begun(self.announced[number], since):
                self.submitted.pop(number, None)
                self.started[number] = now

    @property
    def waiting(self) -> list[float]:
        """Since when each submitted job waits that has not begun."""
        return [
            since
            for number, since in list(self.submitted.items())
            if number in self.announced and not self.announced[number].inside
        ]

    @property
    def running(self) -> list[tuple[Job, float]]:
        """Jobs that run, and since when. Snakemake announces a job a little after it says that it starts."""
        return [
            (self.announced[number], since)
            for number, since in list(self.started.items())
            if number in self.announced
        ]

    def end(
        self, number: int, now: float, good: bool = True, took: float | None = None
    ) -> tuple[Job, float] | None:
        """A job is over; what it was and what it took, None of one that was never announced.

        Args:
            number: of the job.
            now: when that was noticed.
            good: whether it has succeeded.
            took: seconds that it took, where it says so itself.
        """
        job, submitted = self.announced.get(number), self.submitted.pop(number, now)
        since = self.started.pop(number, submitted)
        if good:
            self.done += 1
        if job is None:
            return None
        took = now - since if took is None else took
        if good and not job.inside:
            self.ended[job.rule].append(took)
        return job, took

    @property
    def total(self) -> int:
        return sum(self.planned.values())

    def left(self, now: float) -> float:
        """Seconds until all that is planned may be made.

        A job of a rule takes what such jobs took in this run, else in an earlier one, else what it takes in
        the demo times how much longer than there jobs have taken so far.
        """
        scale = self._scale()
        left = 0.0
        for rule, count in self.planned.items():
            seconds = self._seconds(rule, scale)
            left += seconds * max(0, count - len(self.ended[rule]))
        # Of those that run a part is made; one that takes longer than thought is nearly there.
        for job, since in self.running:
            left -= min(now - since, 0.95 * self._seconds(job.rule, scale))
        alone = max((self._seconds(job.rule, scale) - (now - since) for job, since in self.running),
                    default=0.0)  # fmt: skip
        return max(left / max(1, self.cores), alone, 0.0)

    def seconds(self) -> dict[str, float]:
        """What a job of each rule took: this run's mean, else what was known before."""
        means = {rule: sum(took) / len(took) for rule, took in self.ended.items() if took}
        return {**self.known, **means}

    def _seconds(self, rule: str, scale: float) -> float:
        took = self.ended[rule]
        if took:
            return sum(took) / len(took)
        return self.known.get(rule) or DEMO_SECONDS.get(rule, OTHERWISE) * scale

    def _scale(self) -> float:
        took = sum(sum(found) for found in self.ended.values())
        usual = sum(
            DEMO_SECONDS.get(rule, OTHERWISE) * len(found) for rule, found in self.ended.items()
        )
        # A few short jobs, mostly their start, say little of how long the long ones take.
        return (took + FIRM) / (usual + FIRM)


def known_seconds(file: Path) -> dict[str, float]:
    """What jobs took in runs before; empty where nothing is known, or the file is none of ours."""
    try:
        found = json.loads(file.read_text())
        return {str(rule): float(seconds) for rule, seconds in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
