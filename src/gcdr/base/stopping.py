"""A job that is asked to stop (TERM, HUP, INT) ends at once, or as soon as it has kept what it has.

Whoever asks may insist soon: SLURM kills half a minute later (``KillWait``), so a stop is held back for
seconds only, from one step of a training to the next.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

AGAIN = 0.05  # seconds until a swallowed end is tried once more
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
held = False  # whether a stop waits for stop_if_asked
asked = 0  # the number of the signal that asked, 0 for none


class Stopped(SystemExit):
    """The end of a process that was asked to stop."""


def answer_signals() -> None:
    """Let the signals stop this process, with one line and the exit status 128 and the signal's number."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks
            signal.signal(number, _answer)
    _raise_again(Stopped, stop_if_asked)


def hear_interrupts() -> None:
    """Let Ctrl-C end this process wherever it comes: what was swallowed is raised once more."""
    if threading.current_thread() is threading.main_thread():  # no other may answer signals
        _raise_again(KeyboardInterrupt, partial(signal.raise_signal, signal.SIGINT))


def _raise_again(end: type[BaseException], raises: Callable[[], None]) -> None:
    """Let an end that Python swallowed be raised a little later.

    It swallows what is raised in some places: in its own functions after a fork, or where a weak reference
    dies.
    """
    usual = sys.unraisablehook

    def unraisable(swallowed: "sys.UnraisableHookArgs") -> None:
        if isinstance(swallowed.exc_value, end):
            signal.setitimer(signal.ITIMER_REAL, AGAIN)
        else:
            usual(swallowed)

    sys.unraisablehook = unraisable
    signal.signal(signal.SIGALRM, lambda *_: raises())


@contextmanager
def stop_held() -> Iterator[None]:
    """Within the block a stop waits for :func:`stop_if_asked`; a block that ends first has done its work."""
    global held
    held = True
    try:
        yield
    finally:
        held = False


def stop_asked() -> bool:
    """Whether this process was asked to stop."""
    return asked > 0


def stop_if_asked() -> None:
    """End this process if it was asked to."""
    if asked:
        raise Stopped(128 + asked)


def _answer(number: int, _frame: object) -> None:
    global asked
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # a second one must not break off the tidying
    # At once, for several processes may write one log.
    sys.stderr.write(f"stopped by {signal.Signals(number).name}\n")
    sys.stderr.flush()
    asked = number
    if not held:
        stop_if_asked()
