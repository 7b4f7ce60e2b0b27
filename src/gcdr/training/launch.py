"""Several processes of a training on one machine, started by torch's launcher, which is not heard itself."""

import logging
import sys
from collections.abc import Sequence

from gcdr.base.gpus import take_gpus


def launch(processes: int, command: Sequence[str]) -> None:
    """Run a script in several processes, on GPUs that no other job of the workflow uses; its end is theirs.

    The launcher takes all devices before it starts any process. What a process that failed said stays the
    last word: the launcher's own account of it, a stack, would hide it.

    Args:
        processes: how many.
        command: the script and its options.

    Raises:
        InputError: there are fewer GPUs than that.
        SystemExit: with the status of the first process that failed; of one that was killed, or where this
            one is asked to stop, 128 and the signal's number.
    """
    take_gpus(processes)
    logging.disable()  # of this process alone, which has nothing to say
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    try:
        run(parse_args(["--standalone", f"--nproc-per-node={processes}", *command]))
    except SignalException as asked:
        sys.exit(128 + asked.sigval)
    except ChildFailedError as failed:
        first = min(failed.failures.values(), key=lambda failure: failure.timestamp)
        if first.exitcode > 0:
            sys.exit(first.exitcode)
        print(f"a process of the training was ended by {first.signal_name()}", file=sys.stderr)
        sys.exit(128 - first.exitcode)
