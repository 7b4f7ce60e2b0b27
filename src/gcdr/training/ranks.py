"""Several processes that train one model, each on its share of every batch.

``torchrun`` starts them, or SLURM's ``srun``; which one this is stands in the environment. They see the same
random numbers, and add up their gradients, so they hold the same weights at every step. The first writes.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from gcdr.base.errors import InputError

PORTS = 20000  # from here on: a job's port, where nobody says which (MASTER_PORT)


@dataclass(frozen=True)
class Ranks:
    """Which of the processes of a training this is; by default the only one.

    Attributes:
        rank: its number, counted from 0; the first writes what is to be kept.
        count: how many there are.
        local: its number on its machine.
        beside: how many of them share the CPU cores that it may use.
        address, port: where they meet.
    """

    rank: int = 0
    count: int = 1
    local: int = 0
    beside: int = 1
    address: str = "127.0.0.1"
    port: int = 0

    @property
    def first(self) -> bool:
        """Whether this one writes."""
        return self.rank == 0

    def device(self, device: torch.device) -> torch.device:
        """Its own device of those of a kind.

        Raises:
            InputError: there are fewer devices than processes.
        """
        if self.count == 1 or device.type != "cuda":
            return device
        seen = torch.cuda.device_count()
        number = self.local if seen > 1 else 0  # each may see no other than its own
        if number >= seen:
            raise InputError(
                f"processes: found {self.local + 1} or more on this machine, expected at most {seen}, as "
                "many as there are GPUs"
            )
        torch.cuda.set_device(number)
        return torch.device("cuda", number)

    def rows(self, total: int, clip: np.ndarray | None) -> np.ndarray | None:
        """Which of a batch's people it computes; None: all of them.

        Every so-manieth, so that each has labelled and other people; of clips (N,), whole ones.
        """
        if self.count == 1:
            return None
        piece = np.arange(total) if clip is None else clip
        return np.flatnonzero(piece % self.count == self.rank)

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give all processes the sum of their gradients."""
        if self.count == 1:
            return
        gradients = [one.grad for one in parameters if one.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        for gradient, part in zip(
            gradients, flat.split([one.numel() for one in gradients]), strict=True
        ):
            gradient.copy_(part.view_as(gradient))

    def any(self, flag: bool) -> bool:
        """Whether something holds in any of the processes. They ask on the CPU: no device is waited for."""
        if self.count == 1:
            return flag
        found = torch.tensor(int(flag))
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return bool(found)

    def check_alike(self, step: int) -> None:
        """That all begin at the same step.

        Raises:
            InputError: they do not: one has not found the state that another has found.
        """
        if self.count == 1:
            return
        steps: list[int] = [0] * self.count
        dist.all_gather_object(steps, step)
        if len(set(steps)) > 1:
            raise InputError(
                f"processes: found states of steps {steps}, expected the same in all; is the folder of the "
                "results on a disk that all see?"
            )


ALONE = Ranks()


def ranks_of(environment: Mapping[str, str]) -> Ranks:
    """Which process this is, as ``torchrun`` says, or else the step of a SLURM job.

    A SLURM job's own number of tasks says nothing: the script may stand in a job of many and be started once.
    ``srun`` sets that of the step.
    """
    place = environment.get("MASTER_ADDR"), environment.get("MASTER_PORT")
    if "RANK" in environment and "WORLD_SIZE" in environment:
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        rank, count, local, beside = (
            int(environment.get(name, default)) for name, default in zip(names, "0101", strict=True)
        )
        return Ranks(rank, count, local, beside, place[0] or ALONE.address, int(place[1] or PORTS))
    count = int(environment.get("SLURM_STEP_NUM_TASKS", 1))
    if count == 1 or "SLURM_PROCID" not in environment:
        return ALONE
    rank, local = (int(environment[name]) for name in ("SLURM_PROCID", "SLURM_LOCALID"))
    port = place[1] or PORTS + int(environment.get("SLURM_JOB_ID", 0)) % 10000
    nodes = environment.get("SLURM_STEP_NODELIST", ALONE.address)
    return Ranks(rank, count, local, 1, place[0] or first_node(nodes), int(port))


def first_node(nodes: str) -> str:
    """The first of a SLURM list of nodes: ``gpu03`` of ``gpu[03-05,08],cpu1``."""
    return re.sub(r"\[(\w+)[^\]]*\]", r"\1", nodes).split(",")[0]


@contextmanager
def joined(ranks: Ranks, device: torch.device) -> Iterator[None]:
    """The processes in touch with one another; of what they print, the first one's counts."""
    if ranks.count == 1:
        yield
        return
    torch.set_num_threads(max(1, torch.get_num_threads() // ranks.beside))
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
        init_method=f"tcp://{ranks.address}:{ranks.port}",
        rank=ranks.rank,
        world_size=ranks.count,
    )
    try:
        if ranks.first:
            yield
        else:
            with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
                yield
    finally:
        dist.destroy_process_group()
