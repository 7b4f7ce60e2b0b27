"""Random numbers that depend on what they are for, and on nothing else.

A generator is derived from (seed, purpose, counters), so a result does not depend on batch size,
shard count, worker count or on how many numbers another stage drew before.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def derive(seed: int, purpose: str, *counters: int) -> int:
    """A 63-bit seed for ``purpose`` (for example ``"noise"``) and counters (for example an id)."""
    key = "/".join([str(int(seed)), purpose, *(str(int(counter)) for counter in counters)])
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little") >> 1


def numpy_rng(seed: int, purpose: str, *counters: int) -> np.random.Generator:
    """A NumPy generator for ``(seed, purpose, *counters)``."""
    return np.random.default_rng(derive(seed, purpose, *counters))


def torch_rng(seed: int, purpose: str, *counters: int) -> torch.Generator:
    """A CPU torch generator for ``(seed, purpose, *counters)``."""
    import torch

    return torch.Generator().manual_seed(derive(seed, purpose, *counters))
