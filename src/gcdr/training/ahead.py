"""What is made while something else is computed: the next batch, while a device is busy with this one."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(make: Callable[[int], T]) -> Callable[[int], T]:
    """A function of the step whose value of the next step is made in a thread, while this one's is used.

    Args:
        make: from a step to its value, which depends on nothing else. What it raises is raised where that
            step's value is asked for; of a step that nobody asks for, nowhere.
    """
    pool, coming = ThreadPoolExecutor(1, "ahead"), dict[int, Future[T]]()

    def value(step: int) -> T:
        now = coming.pop(step, None) or pool.submit(make, step)
        coming.clear()
        coming[step + 1] = pool.submit(make, step + 1)
        return now.result()

    return value
