"""Why a job failed that could not say so itself (killed for memory, over its time), and what to do."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gcdr.base.endings import GPU_MEMORY

# By what SLURM, the kernel, Python, PyTorch and the shell say. The first that fits is the cause: where memory
# or time ran out, SLURM often says CANCELLED or FAILED as well.
CAUSES = {
    "gpu": GPU_MEMORY,
    "memory": re.compile(
        r"OUT_OF_MEMORY|oom[-_ ]kill|Out Of Memory|(?:exceeded|hit) (?:job |step )?memory limit"
        r"|^(?:\w+\.)*(?:MemoryError|OutOfMemoryError)|std::bad_alloc"
        r"|(?:can't|Cannot) allocate memory|out of memory",
        re.I | re.M,
    ),
    "time": re.compile(r"\bTIMEOUT\b|DUE TO TIME LIMIT|\bDEADLINE\b"),
    "preempted": re.compile(r"DUE TO PREEMPTION"),
    "node": re.compile(r"NODE_FAIL|BOOT_FAIL|DUE TO NODE FAILURE"),
    "cancelled": re.compile(r"\bCANCELLED\b"),
    "killed": re.compile(  # a page that cannot be had ends a process by SIGBUS
        r"exit status (?:137|135)|SIGKILL|SIGBUS|\bBus error\b|^(?:\S+: line \d+: +\d+ )?Killed\b",
        re.M,
    ),
}


def cause(texts: Iterable[str], rule: str, asked: Mapping[str, Any]) -> str:
    """What ended a job, in a line; empty where nothing tells.

    Args:
        texts: what Snakemake, SLURM and the job itself said of it.
        rule: its rule.
        asked: the resources that it was given, of which ``mem_mb`` and ``runtime`` (minutes) are told.
    """
    said = "\n".join(texts)
    kind = next((name for name, words in CAUSES.items() if words.search(said)), None)
    memory, minutes = asked.get("mem_mb"), asked.get("runtime")
    if kind == "gpu":
        return "out of the GPU's memory: a smaller batch (recipe.batch), precision bf16 or a larger GPU"
    if kind == "memory":
        return f"out of memory{_given(memory, 'MB')}{_more(rule, 'mem_mb', memory)}"
    if kind == "time":
        return f"over its time{_given(minutes, 'minutes')}{_more(rule, 'runtime', minutes)}"
    if kind == "preempted":
        return (
            "preempted: other jobs went first; the next run goes on where this one kept its state"
        )
    if kind == "node":
        return "its node failed; the next run begins it again"
    if kind == "cancelled":
        return "cancelled (scancel, or the cluster)"
    if kind == "killed":
        return f"killed, most likely for want of memory{_given(memory, 'MB')}{_more(rule, 'mem_mb', memory)}"
    return ""


def _given(amount: Any, unit: str) -> str:
    return f", had {amount} {unit}" if isinstance(amount, int) else ""


def _more(rule: str, resource: str, amount: Any) -> str:
    """How it is given more; fewer jobs at a time where nothing was asked for."""
    if not isinstance(amount, int):
        return "; run fewer jobs at a time (--cores), or on a larger machine" * (
            resource == "mem_mb"
        )
    return f": give it more, --set-resources {rule}:{resource}={2 * amount}"
