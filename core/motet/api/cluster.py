"""Work on a Dask cluster, by the address of its scheduler (`tcp://host:8786`)."""

import logging
import re
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from motet.errors import ConnectionProblem, FileProblems, PluginProblem, Problem
from motet.plugins import installed

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2
"""Pieces handed out for each thread of a worker: none waits for the scheduler, and few are in memory at once."""
ANSWER_S = 8.0
"""Longest wait for an answer of the scheduler."""
LOOK_S = 5.0
"""How often to look which workers there are."""
WORKERLESS_S = 60.0
"""How long a cluster may be without a worker before the work is given up."""
_ADDRESS = re.compile(r"((tcp|tls)://)?[^/]+:\d+")


class Dask:
    """The workers of a Dask cluster, also those that join it later."""

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._address = address
        self._threads = 1
        self._looked = self._seen = time.monotonic()

    def done(self, function: Callable[[T], R], pieces: Iterable[T]) -> Generator[tuple[T, R | Exception]]:
        """See `Workers`. Dask itself tries a piece again whose worker died, three times.

        Raises ConnectionProblem when the scheduler is lost, or there is no worker for `WORKERLESS_S`.
        """
        rest = enumerate(pieces)
        waiting: dict[int, T] = {}
        futures: dict[int, Any] = {}
        ended: SimpleQueue[tuple[int, Any]] = SimpleQueue()
        self._look()
        try:
            while True:
                for number, piece in islice(rest, max(0, self._threads * AHEAD - len(waiting))):
                    waiting[number] = piece
                    self._client.loop.add_callback(_done, self._client, function, number, piece, futures, ended)
                if not waiting:
                    return
                if time.monotonic() - self._looked > LOOK_S:
                    self._look()
                try:
                    number, outcome = ended.get(timeout=LOOK_S)
                except Empty:
                    continue
                if isinstance(outcome, CancelledError):
                    raise self._lost() from outcome
                yield waiting.pop(number), outcome
        finally:
            self._client.loop.add_callback(_let_go, futures)

    def _look(self) -> None:
        """See how many threads the workers have. Raises ConnectionProblem when there was no worker for too long."""
        try:
            workers: Mapping[str, int] = self._client.nthreads(callback_timeout=ANSWER_S)
        except OSError as error:  # a time that ran out is one too
            raise self._lost() from error
        self._looked = time.monotonic()
        if workers:
            self._seen = self._looked
        elif self._looked - self._seen > WORKERLESS_S:
            raise ConnectionProblem(f"Dask scheduler {self._address}: has had no worker for {WORKERLESS_S:g} s")
        self._threads = max(1, sum(workers.values()))

    def _lost(self) -> ConnectionProblem:
        return ConnectionProblem(f"Dask scheduler {self._address}: the connection was lost")


async def _done(
    client: Any, function: Any, number: int, piece: Any, futures: dict[int, Any], ended: "SimpleQueue[tuple[int, Any]]"
) -> None:
    """Have a piece done, and put what it came to, or the exception in its place, into the queue.

    Runs in the client's loop, where no Ctrl-C comes in between.
    """
    try:
        futures[number] = client.submit(function, piece, pure=False)
        outcome = await client.gather(futures[number], asynchronous=True)
    except Exception as error:  # noqa: BLE001 - the piece's own, or what became of its worker
        outcome = error
    futures.pop(number, None)
    ended.put((number, outcome))


def _let_go(futures: dict[int, Any]) -> None:
    """Nobody waits for these any more: the scheduler forgets those that have not begun."""
    for future in list(futures.values()):
        future.release()


@contextmanager
def _quiet() -> Generator[None]:
    """What Dask logs about lost connections is said by the errors that are raised here."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def dask(address: str) -> Generator[Dask]:
    """The cluster with its scheduler at `address`.

    Raises ConnectionProblem when it does not answer, has no worker, or one without the Motet and the plugins of this
    process (which the scheduler needs too, since it unpacks the pieces); FileProblems for what is no address;
    PluginProblem when Dask is not installed.
    """
    if not _ADDRESS.fullmatch(address):
        raise FileProblems([Problem("--dask", None, "", repr(address), "tcp://HOST:PORT or tls://HOST:PORT is needed")])
    try:
        from distributed import Client
        from distributed.security import Security
    except ImportError as error:
        raise PluginProblem("Dask is not installed: pip install 'motet[dask]'") from error
    if address.startswith("tls:") and Security().get_connection_args("client").get("ssl_context") is None:
        needed = "distributed.comm.tls: ca-file, client.cert and client.key"
        raise ConnectionProblem(f"Dask scheduler {address}: Dask's configuration names no certificates ({needed})")
    with _quiet():
        try:
            client: Any = Client(address, timeout=ANSWER_S, set_as_default=False)
        except (OSError, ValueError) as error:
            reason = error or type(error).__name__
            raise ConnectionProblem(f"Dask scheduler {address}: does not answer: {reason}") from error
        try:
            _check(client, address)
            yield Dask(client, address)
        finally:
            client.close()


def _check(client: Any, address: str) -> None:
    """What scheduler and workers have that are there now; what later workers have, each trial checks."""
    versions = installed().versions
    answers: dict[str, Exception | None] = client.run(_require, versions, on_error="return")
    if not answers:
        raise ConnectionProblem(f"Dask scheduler {address}: has no worker; start one with `dask worker {address}`")
    try:
        client.run_on_scheduler(_require, versions)
    except Exception as error:  # noqa: BLE001 - whatever a foreign environment raises; it is told
        answers = {address: error} | answers
    for where, problem in answers.items():
        if problem is not None:
            who = "scheduler" if where == address else "worker"
            reason = problem if isinstance(problem, PluginProblem) else f"{type(problem).__name__}: {problem}"
            raise ConnectionProblem(f"Dask {who} {where}: must have the Motet and the plugins of here: {reason}")


def _require(versions: Mapping[str, str]) -> None:
    installed().require(versions)
