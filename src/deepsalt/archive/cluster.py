"""Scenes as tasks of a Dask cluster: one task a scene, the loop over windows inside it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from deepsalt import __version__
from deepsalt.archive.code import code_fingerprint
from deepsalt.archive.ledger import Failure
from deepsalt.archive.one import map_task, predictor_of, record
from deepsalt.archive.recipe import Recipe, Task
from deepsalt.errors import DeepSaltError, UsageError
from deepsalt.mapping import SceneMap
from deepsalt.parallel import cores
from deepsalt.progress import Progress

#: A scene whose worker dies is given to another one; after as many deaths more it is set aside.
_DEATHS_ALLOWED = 3
#: New workers of a growing cluster get work after this many seconds at the latest.
_LOOK_EVERY_S = 2.0
_CONNECT_S = 20.0


def on_cluster(
    todo: Sequence[Task], recipe: Recipe, progress: Progress, *, workers: int = 0, scheduler: str = ""
) -> Iterator[SceneMap | Failure]:
    """Results of the tasks as they end.

    Workers need the paths of scenes, model and output as this process has them, and the same deepsalt. Only
    as many scenes are handed out as there are threads to work on them: which one was in hand when a
    worker died is then known, and no scene is blamed for another.
    Raises UsageError for a scheduler that does not answer, DeepSaltError if it is lost on the way.
    """
    workers = min(workers, len(todo))
    with _client(workers, scheduler) as client:
        waiting = list(reversed(todo))
        running: dict[Any, Task] = {}
        ended = 0
        progress("mapping scenes", 0, len(todo))
        while waiting or running:
            while waiting and len(running) < max(1, sum(client.nthreads().values())):
                task = waiting.pop()
                job = client.submit(_on_worker, recipe, task, _threads(workers), _this_code(), pure=False)
                running[job] = task
            for job in _finished(running):
                yield _result(job, running.pop(job), recipe)
                ended += 1
                progress("mapping scenes", ended, len(todo))


def _on_worker(recipe: Recipe, task: Task, threads: int, code: str) -> SceneMap | Failure:
    """What a worker does with a scene."""
    if code != _this_code():
        raise DeepSaltError(
            f"the worker has deepsalt {_this_code()}, the call was made with {code}",
            fix="Install the same version on all workers.",
        )
    predictor_of(recipe)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    return map_task(recipe, task)


def _this_code() -> str:
    """Version and fingerprint: a map is recorded as made by the code that planned it."""
    return f"{__version__} (code {code_fingerprint() or 'not known'})"


def _finished(running: dict[Any, Task]) -> list[Any]:
    from distributed import wait

    try:
        return list(wait(list(running), timeout=_LOOK_EVERY_S, return_when="FIRST_COMPLETED").done)
    except TimeoutError:
        return []


def _result(job: Any, task: Task, recipe: Recipe) -> SceneMap | Failure:
    """The answer of a task; a task without one killed its workers, or could not be given to any."""
    from distributed import KilledWorker

    if job.status == "finished":
        answer: SceneMap | Failure = job.result()
        return answer
    if job.status != "error":
        raise DeepSaltError(
            "the connection to the scheduler was lost",
            where="Dask",
            fix="Run the same command again: finished maps are kept.",
        )
    error = job.exception()
    if isinstance(error, KilledWorker):
        killed = DeepSaltError(
            "the worker that had it was killed, and so were those that had it then; probably for memory",
            where=task.paths[0],
            fix="Give workers more memory, or less to hold with --memory. Then run again with --retry.",
        )
        return record(recipe.out, Failure(task.paths[0], task.made.key, "KilledWorker", str(killed)))
    if isinstance(error, DeepSaltError):
        raise error
    raise DeepSaltError(
        f"a worker could not begin ({type(error).__name__}: {error})",
        where="Dask",
        fix="Install the same deepsalt, with its libraries, on all workers.",
    ) from error


def _threads(workers: int) -> int:
    """Threads of one worker: those of a machine share its cores, one elsewhere has one."""
    return max(1, cores() // workers) if workers else 1


@contextmanager
def _client(workers: int, scheduler: str) -> Iterator[Any]:
    """A client of the scheduler at an address, or of workers started here that end with this block."""
    try:
        import distributed
    except ImportError as error:
        raise UsageError(
            "workers need dask.distributed, which is not installed",
            where="--scheduler" if scheduler else "--workers",
            fix="Install it: pip install 'deepsalt[dask]'",
        ) from error
    with nullcontext(scheduler) if scheduler else _started_here(workers) as address:
        try:
            client = distributed.Client(address, timeout=_CONNECT_S)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {scheduler} ({error})",
                where="--scheduler",
                fix="Give the address that `dask scheduler` prints, such as tcp://host:8786.",
            ) from error
        with client:
            yield client


@contextmanager
def _started_here(workers: int) -> Iterator[Any]:
    """A cluster of processes on this machine, which share its cores and end when this process does."""
    import dask
    from distributed import LocalCluster

    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = {**dict.fromkeys(names, str(_threads(workers))), "OMP_WAIT_POLICY": "PASSIVE"}
    settings = {
        "distributed.scheduler.allowed-failures": _DEATHS_ALLOWED,
        "distributed.nanny.pre-spawn-environ": environment,
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        ) as cluster,
    ):
        yield cluster
