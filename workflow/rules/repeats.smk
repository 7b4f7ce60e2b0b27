"""Which jobs are not repeated, however many retries a profile asks for: those whose input is bad. No rules here."""

import time

from gcdr.base.endings import ended_by_bad_input
from snakemake.jobs import GroupJob, Job

STARTED = time.time()


def repeat_no_bad_input(jobs):
    """Snakemake asks a job that has failed how often it may be repeated; one that ended with bad input says 0.

    Retries stand in its profile or behind ``--retries`` and hold for every failure, of whatever kind. What kind it
    was a job says in its log alone: a cluster tells no exit status.
    """
    usual = jobs.restart_times.fget

    def restart_times(job):
        bad = any(ended_by_bad_input(log, STARTED) for log in job.log)
        return 0 if bad else usual(job)

    jobs.restart_times = property(restart_times)


for jobs in (Job, GroupJob):
    repeat_no_bad_input(jobs)
