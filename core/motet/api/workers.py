"""Many independent pieces of work, over processes of this machine or a Dask cluster, with bounded memory."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar

from motet.errors import ConnectionProblem, PluginProblem

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 4
"""Pieces handed out for each worker at most: enough that none waits, few enough that memory is bounded."""
DASK_TIMEOUT_S = 10.0
"""How long to wait for the scheduler."""


class Workers(Protocol):
    """Where work is done."""

    def done(self, function: Callable[[T], R], pieces: Iterable[T]) -> Iterator[tuple[T, R | Exception]]:
        """Each piece with what `function` made of it, or with the exception that it raised or that killed its worker;
        in the order in which they end."""
        ...


class Processes:
    """A pool of processes on this machine, each started anew (`spawn`), so that nothing is inherited."""

    def __init__(self, count: int | None = None) -> None:
        self.count = count or os.cpu_count() or 1

    def done(self, function: Callable[[T], R], pieces: Iterable[T]) -> Iterator[tuple[T, R | Exception]]:
        """See `Workers`. A piece whose worker died is tried once more by itself, since another may have killed it."""
        suspects: list[T] = []
        rest = iter(pieces)
        while True:
            lost = yield from self._pool(function, rest, self.count)
            suspects += lost
            if not lost:
                break
        for suspect in suspects:
            if (yield from self._pool(function, iter([suspect]), 1)):
                yield suspect, RuntimeError("the process that worked on it died")

    def _pool(
        self, function: Callable[[T], R], pieces: Iterator[T], count: int
    ) -> Generator[tuple[T, R | Exception], None, list[T]]:
        """Work on the pieces until there are none, or until the pool is broken: the pieces that were lost then."""
        with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
            waiting: dict[Future[R], T] = {}
            try:
                for piece in islice(pieces, count * AHEAD):
                    waiting[pool.submit(function, piece)] = piece
                while waiting:
                    ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
                    if any(isinstance(future.exception(), BrokenProcessPool) for future in ended):
                        return list(waiting.values())
                    for future in ended:
                        yield waiting.pop(future), _outcome(future)
                        for piece in islice(pieces, 1):
                            waiting[pool.submit(function, piece)] = piece
            except BrokenProcessPool:  # while a further piece was handed in
                return list(waiting.values())
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        return []


class Dask:
    """The workers of a Dask cluster, by the address of its scheduler (`tcp://host:8786`)."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.count = max(1, sum(client.nthreads().values()))

    def done(self, function: Callable[[T], R], pieces: Iterable[T]) -> Iterator[tuple[T, R | Exception]]:
        """See `Workers`. Dask itself tries a piece again whose worker died, three times."""
        from distributed import as_completed

        rest = iter(pieces)
        waiting: dict[Any, T] = {}
        ended: Any = as_completed()
        for piece in islice(rest, self.count * AHEAD):
            future = self._client.submit(function, piece, pure=False)
            waiting[future.key] = piece
            ended.add(future)
        for future in ended:
            piece = waiting.pop(future.key)
            yield piece, future.exception() or future.result()
            future.release()
            for piece in islice(rest, 1):
                further = self._client.submit(function, piece, pure=False)
                waiting[further.key] = piece
                ended.add(further)


@contextmanager
def dask(address: str) -> Generator[Dask]:
    """The cluster with its scheduler at `address`. Raises ConnectionProblem when it does not answer or has no worker,
    PluginProblem when Dask is not installed."""
    try:
        from distributed import Client
    except ImportError as error:
        raise PluginProblem("Dask is not installed: pip install 'motet[dask]'") from error
    try:
        client: Any = Client(address, timeout=DASK_TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionProblem(
            f"Dask scheduler {address}: does not answer: {error or type(error).__name__}"
        ) from error
    try:
        if not client.nthreads():
            raise ConnectionProblem(f"Dask scheduler {address}: has no worker; start one with `dask worker {address}`")
        yield Dask(client)
    finally:
        client.close()


def _outcome(future: "Future[R]") -> R | Exception:
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, Exception):
        raise error
    return error


def _one_thread() -> None:
    """One thread of linear algebra a process: there is a process for each core."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that the person sees
