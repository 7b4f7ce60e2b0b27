"""People of a job for whom nothing could be done: each one is said, and too many of them stop the job."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tqdm import tqdm

from gcdr.base.errors import InputError


@dataclass
class Failures:
    """Those who failed so far.

    Attributes:
        what: what became of them, for messages: ``"not asked"``.
        people: how many people the job has.
        share: part of them, 0 to 1, that may fail: ``failures`` of the configuration.
        found: who, and why.
    """

    what: str
    people: int
    share: float
    found: list[str] = field(default_factory=list)

    def add(self, sample_id: Iterable[int], problem: str) -> None:
        """Log that people failed, and why.

        Raises:
            InputError: more than the share have failed.
        """
        for person in sample_id:
            self.found.append(f"sample_id {person}: {problem}")
            tqdm.write(f"{self.what}: {self.found[-1]}")
        if len(self.found) > self.share * self.people:
            raise InputError(
                f"{len(self.found)} of {self.people} people were {self.what}, more than the share "
                f"{self.share:g} that the key failures allows; the first is {self.found[0]}"
            )
