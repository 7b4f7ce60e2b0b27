"""Which device to compute on, and how many threads a job may use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gcdr.base.errors import InputError
from gcdr.base.gpus import take_gpus


def pick_device(name: str = "auto", *, alone: bool = False) -> torch.device:
    """The torch device for a configuration's ``device``.

    CPU threads follow ``OMP_NUM_THREADS``, which Snakemake sets to a rule's ``threads``: several
    one-thread jobs side by side beat one job of several threads on small models.

    Args:
        name: ``"auto"`` (a GPU if there is one), ``"cpu"``, ``"cuda"`` or ``"cuda:1"``. Without a number it
            is one that no other job of the workflow uses (:mod:`gcdr.base.gpus`).
        alone: no job computes beside this one, as where a person types a command: without
            ``OMP_NUM_THREADS`` it takes all cores that it may use, in place of one.

    Raises:
        InputError: the device is unknown, or this machine lacks it.
    """
    if not alone or "OMP_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    # As use_deterministic_algorithms(True, warn_only=True), which imports torch's compiler for two seconds.
    torch.set_deterministic_debug_mode("warn")
    # Nothing here reads memory that it has not written; filling it first was a tenth of a training on a CPU.
    setattr(torch.utils.deterministic, "fill_uninitialized_memory", False)  # noqa: B010  its type is not told
    # PyTorch lets cuDNN cut float32 to 10 bits of mantissa (TF32) unless told otherwise; what is
    # called fp32 here is compared with results of other machines and must be that.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    if name in ("auto", "cuda"):
        take_gpus()
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"device: found {name!r}, expected auto, cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device: found {name!r}, but this machine has no usable CUDA GPU")
    return device


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one CPU thread whatever a job may use: sums of several threads differ in the last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
