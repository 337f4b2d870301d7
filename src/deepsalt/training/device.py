"""Where training runs, and how its randomness is kept to itself."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def pick_device() -> torch.device:
    """The first CUDA device if there is one, else the CPU. The number of threads is left to the caller."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def seed_for(seed: int, stage: str, attempt: int = 0) -> int:
    """A seed of its own for each stage and attempt, the same on every machine."""
    key = np.random.SeedSequence([seed, zlib.crc32(stage.encode()), attempt])
    return int(key.generate_state(1, np.uint32)[0])


@contextmanager
def seeded(seed: int, stage: str, device: torch.device, attempt: int = 0) -> Iterator[torch.Generator]:
    """Seed torch for one stage; give a generator for mini-batches; leave the global state as it was.

    On the CPU deterministic algorithms are required inside the block. On CUDA they are not: some
    kernels have none, and others need an environment variable set before the program starts.
    """
    own = seed_for(seed, stage, attempt)
    devices = [device] if device.type == "cuda" else []
    was_strict = torch.are_deterministic_algorithms_enabled()
    was_warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(own)
        try:
            if device.type == "cpu":
                torch.use_deterministic_algorithms(True)
            yield torch.Generator().manual_seed(own)
        finally:
            torch.use_deterministic_algorithms(was_strict, warn_only=was_warn_only)
