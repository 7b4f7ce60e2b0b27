"""A job that is asked to stop (TERM, HUP, INT) ends at once, or as soon as it has kept what it has.

Whoever asks may insist soon: SLURM kills half a minute later (``KillWait``), so a stop is held back for
seconds only, from one step of a training to the next.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

AGAIN = 0.05  # seconds until a swallowed end is tried once more
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
held = False  # whether a stop waits for stop_if_asked
asked = 0  # the number of the signal that asked, 0 for none


def answer_signals() -> None:
    """Let the signals stop this process, with one line and the exit status 128 and the signal's number."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks
            signal.signal(number, _answer)
    usual = sys.unraisablehook

    def unraisable(swallowed: "sys.UnraisableHookArgs") -> None:
        if isinstance(swallowed.exc_value, SystemExit) and asked:
            signal.setitimer(signal.ITIMER_REAL, AGAIN)
        else:
            usual(swallowed)

    # Python swallows what is raised in some places, such as its own functions after a fork.
    sys.unraisablehook = unraisable
    signal.signal(signal.SIGALRM, lambda *_: stop_if_asked())


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
        sys.exit(128 + asked)


def _answer(number: int, _frame: object) -> None:
    global asked
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # a second one must not break off the tidying
    print(f"stopped by {signal.Signals(number).name}", file=sys.stderr, flush=True)
    asked = number
    if not held:
        stop_if_asked()
