"""Work on a Dask cluster, by the address of its scheduler (`tcp://host:8786`)."""

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from motet.errors import ConnectionProblem, PluginProblem

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2
"""Pieces handed out for each thread of a worker: none waits for the scheduler, and few are in memory at once."""
CONNECT_S = 8.0
"""How long to wait for the scheduler."""
LOOK_S = 5.0
"""How often to look which workers there are."""
WORKERLESS_S = 60.0
"""How long a cluster may have no worker before the work is given up."""


class Dask:
    """The workers of a cluster, those that join later too. They must have the same Motet and plugins as this process."""

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._address = address
        self._threads = 0
        self._looked = self._seen = time.monotonic()

    def done(self, function: Callable[[T], R], pieces: Iterable[T]) -> Generator[tuple[T, R | Exception]]:
        """See `Workers`. Dask itself tries a piece again whose worker died, three times.

        Raises ConnectionProblem when the scheduler is lost, or all workers for `WORKERLESS_S`.
        """
        from concurrent.futures import CancelledError

        rest = iter(pieces)
        ended: SimpleQueue[tuple[Any, Any, BaseException | None]] = SimpleQueue()
        waiting: dict[Any, T] = {}
        self._look()
        try:
            while True:
                for piece in islice(rest, max(0, self._threads * AHEAD - len(waiting))):
                    future = self._client.submit(function, piece, pure=False)
                    waiting[future] = piece
                    self._client.loop.add_callback(_bring, self._client, future, ended)
                if not waiting:
                    return
                if time.monotonic() - self._looked > LOOK_S:
                    self._look()
                try:
                    future, result, error = ended.get(timeout=LOOK_S)
                except Empty:
                    continue
                if error is not None and (isinstance(error, CancelledError) or not isinstance(error, Exception)):
                    raise self._lost() from error
                piece = waiting.pop(future)
                future.release()
                yield piece, result if error is None else error
        finally:
            for future in waiting:
                future.release()
