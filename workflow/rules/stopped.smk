"""What a TERM does: to Snakemake, and on a cluster to every process of a job. No rules here."""

import signal
from contextlib import suppress

import psutil
from snakemake.shell import shell

# Bash waits for its script, which tidies up, and says how that ended. Without the trap it would end before, and
# a cluster that stops a job kills what is left as soon as Snakemake in it takes the job for over.
shell.prefix("set -euo pipefail; trap : TERM; ")


def end_jobs_on_term():
    """Hand a TERM on to the jobs that run; called when Snakemake has set its own answer to it.

    That answer is to begin no more jobs and to wait for those that run, which may be a training of hours. A
    script tidies up and ends at once, a training when it has kept its state, where it goes on later.
    """
    begin_no_more = signal.getsignal(signal.SIGTERM)

    def stop(number, frame):
        begin_no_more(number, frame)
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    signal.signal(signal.SIGTERM, stop)
