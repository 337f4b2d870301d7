"""Where training runs, and how its randomness is kept to itself."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch

from deepsalt.errors import UsageError
from deepsalt.training.device_names import DeviceName, check_device


def pick_device(name: DeviceName = "auto") -> torch.device:
    """The device of that name; "auto" is the first CUDA device if there is one, else the CPU.

    The number of threads is left to the caller. Raises UsageError for a GPU where torch finds none.
    """
    check_device(name)
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UsageError(
            "a GPU was asked for, and torch finds none",
            fix='Leave device at "auto", or install a build of torch for your GPU and its driver.',
        )
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def seed_for(seed: int, stage: str, attempt: int = 0) -> int:
    """A seed of its own for each stage and attempt, the same on every machine."""
    key = np.random.SeedSequence([seed, zlib.crc32(stage.encode()), attempt])
    return int(key.generate_state(1, np.uint32)[0])


@contextmanager
def seeded(seed: int, stage: str, device: torch.device, attempt: int = 0) -> Iterator[torch.Generator]:
    """Seed torch for one stage; give a generator for mini-batches; leave the global state as it was.

    What is made inside the block, the generator too, lies on the device. On the CPU deterministic algorithms
    are required there. On CUDA they are not: some kernels have none, and others need an environment variable
    set before the program starts.
    """
    own = seed_for(seed, stage, attempt)
    on_gpu = device.type == "cuda"
    was_strict = torch.are_deterministic_algorithms_enabled()
    was_warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    # On the CPU all is made there anyway: a device of its own would only cost each call a detour.
    with torch.random.fork_rng([device] if on_gpu else []), device if on_gpu else nullcontext():
        torch.manual_seed(own)
        try:
            if not on_gpu:
                torch.use_deterministic_algorithms(True)
            yield torch.Generator(device).manual_seed(own)
        finally:
            torch.use_deterministic_algorithms(was_strict, warn_only=was_warn_only)
