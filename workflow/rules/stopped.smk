"""What a TERM to Snakemake does. No rules here."""

import signal
from contextlib import suppress

import psutil


def end_jobs_on_term():
    """Hand a TERM on to the jobs that run; called when Snakemake has set its own answer to it.

    That answer is to begin no more jobs and to wait for those that run, which may be a training of hours. A
    script tidies up and ends at once; a training goes on later where it last kept its state.
    """
    begin_no_more = signal.getsignal(signal.SIGTERM)

    def stop(number, frame):
        begin_no_more(number, frame)
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if process.name() != "bash":  # it waits for its script, and says how that ended
                    process.send_signal(number)

    signal.signal(signal.SIGTERM, stop)
