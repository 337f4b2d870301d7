"""Many jobs over a few processes of one thread each, which end when this one does."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

from deepsalt.errors import TrainingError
from deepsalt.progress import Progress

#: Many small processes beat few that wait for each other's threads; these are read when a process starts.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}
_LOOK_EVERY_S = 1.0
_Job = TypeVar("_Job")


def cores() -> int:
    """How many processes keep this machine busy."""
    return os.cpu_count() or 1


def in_parallel(
    work: Callable[[_Job], Any], jobs: Sequence[_Job], workers: int, what: str, progress: Progress
) -> list[tuple[_Job, Any]]:
    """(job, answer) as they end. One worker works in this process."""
    found: list[tuple[_Job, Any]] = []
    if not jobs:
        return found
    progress(what, 0, len(jobs))
    answers = _here(work, jobs) if min(workers, len(jobs)) == 1 else _pooled(work, jobs, workers)
    for answer in answers:
        found.append(answer)
        progress(what, len(found), len(jobs))
    return found


def _here(work: Callable[[_Job], Any], jobs: Iterable[_Job]) -> Iterator[tuple[_Job, Any]]:
    for job in jobs:
        yield job, work(job)


def _pooled(work: Callable[[_Job], Any], jobs: Sequence[_Job], workers: int) -> Iterator[tuple[_Job, Any]]:
    """Fresh processes with one thread each; the first error of a job ends the others that wait."""
    with _environment(_ONE_THREAD):
        spawn = get_context("spawn")
        pool = ProcessPoolExecutor(min(workers, len(jobs)), spawn, _end_with, (os.getpid(),))
        try:
            waiting: dict[Future[Any], _Job] = {pool.submit(work, job): job for job in jobs}
            while waiting:
                ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield waiting.pop(future), future.result()
        except BrokenProcessPool as error:
            raise TrainingError(
                "a process was ended from outside, probably for its memory",
                fix="Use fewer --workers; what is finished is kept.",
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _end_with(parent: int) -> None:
    """End this process soon after its parent: one that was killed cannot tell its workers."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY_S)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
