"""Work on processes of this machine: each has one piece at a time, so it is known which piece a process died of."""

import logging
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

TRIES = 2
"""So often a piece is begun before the deaths of its processes count as its own doing."""
ENDING_S = 5.0
"""How long a process that is told to end may take before it is killed."""


class Processes:
    """Processes on this machine, each started anew (`spawn`), so that nothing is inherited."""

    def __init__(self, count: int | None = None) -> None:
        self.count = count or _cores()

    def done(self, function: Callable[[T], R], pieces: Iterable[T]) -> Generator[tuple[T, R | Exception]]:
        """See `Workers`. Raises RuntimeError when a process cannot even start."""
        fresh = iter(pieces)
        again: deque[_Job[T]] = deque()
        crew: list[_Hand[T, R]] = []
        ended: list[tuple[T, R | Exception]] = []
        try:
            while True:
                self._hand_out(function, crew, again, fresh)
                yield from ended
                at_work: dict[Any, _Hand[T, R]] = {hand.connection: hand for hand in crew if hand.job is not None}
                if not at_work:
                    return
                heard = [at_work[connection] for connection in wait(list(at_work))]
                ended = [outcome for hand in heard if (outcome := _heard(hand, crew, again)) is not None]
        finally:
            for hand in crew:
                hand.dismiss()
            for hand in crew:
                hand.end()

    def _hand_out(
        self, function: Callable[[T], R], crew: "list[_Hand[T, R]]", again: "deque[_Job[T]]", fresh: Iterator[T]
    ) -> None:
        """Give every process that has none a job, as long as there are jobs; processes are started when needed."""
        idle = [hand for hand in crew if hand.job is None]
        while idle or len(crew) < self.count:
            job = again.popleft() if again else _next(fresh)
            if job is None:
                return
            if not idle:
                idle.append(_Hand())
                crew.append(idle[0])
            idle.pop().give(function, job)


@dataclass(slots=True)
class _Job(Generic[T]):
    """A piece, and how many processes died of it."""

    piece: T
    deaths: int = 0


class _Hand(Generic[T, R]):
    """A process, and the job that it works on."""

    job: _Job[T] | None = None

    def __init__(self) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.ready = False
        self._process = context.Process(target=_work, args=(theirs,), daemon=True)
        resource_tracker.ensure_running()  # its start would let Ctrl-C through again
        with _no_ctrl_c():
            self._process.start()
        theirs.close()

    def give(self, function: Callable[[T], R], job: _Job[T]) -> None:
        """Let it work on a job."""
        self.job = job
        with suppress(BrokenPipeError):  # it has died: so it will be found
            self.connection.send((function, job.piece))

    def receive(self) -> "tuple[R | Exception] | None":
        """What it has sent: an outcome, or None when it is ready to begin. Raises EOFError when it has died."""
        try:
            data = self.connection.recv_bytes()
        except OSError as error:  # in the middle of what it sent
            raise EOFError from error
        try:
            return pickle.loads(data)  # noqa: S301 - it comes from our own process
        except Exception as error:  # noqa: BLE001 - anything may be wrong with what a piece gave
            return (error,)

    def dismiss(self) -> None:
        """Nobody listens any more: it ends, at once if it is in the middle of something."""
        self.connection.close()
        if self.job is not None:
            self._process.kill()

    def end(self) -> str:
        """Wait for its end; how it ended."""
        self._process.join(ENDING_S)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        code = self._process.exitcode or 0
        self._process.close()
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _heard(hand: _Hand[T, R], crew: list[_Hand[T, R]], again: deque[_Job[T]]) -> tuple[T, R | Exception] | None:
    """What became of a piece, None while that is open."""
    job = hand.job
    assert job is not None, "only those at work are listened to"
    try:
        outcome = hand.receive()
    except EOFError:
        crew.remove(hand)
        hand.dismiss()
        end = hand.end()
        if not hand.ready:
            hint = "a script that starts processes needs `if __name__ == '__main__':`"
            raise RuntimeError(f"a process for the work could not start: it ended with {end}; {hint}") from None
        job.deaths += 1
        if job.deaths < TRIES:
            again.append(job)
            return None
        return job.piece, RuntimeError(f"the process that worked on it died ({end}), {TRIES} times")
    if outcome is None:
        hand.ready = True
        return None
    hand.job = None
    return job.piece, outcome[0]


def _next(fresh: Iterator[T]) -> _Job[T] | None:
    for piece in fresh:
        return _Job(piece)
    return None


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _no_ctrl_c() -> Generator[None]:
    """What is started meanwhile never hears of Ctrl-C: that is for the process that the person sees."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Connection) -> None:
    """What a process does: one piece after another, until nobody listens any more."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _one_thread()
    logging.getLogger().addHandler(logging.NullHandler())  # what came of a piece is in what it gives
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        connection.send_bytes(pickle.dumps(None))
        while True:
            connection.send_bytes(_packed(_outcome(connection.recv_bytes())))


def _outcome(data: bytes) -> Any:
    """What a piece gives, or the exception that it raises."""
    try:
        function, piece = pickle.loads(data)  # noqa: S301 - it comes from our own process
        return function(piece)
    except Exception as error:  # noqa: BLE001 - it is handed to whoever asked for the piece
        return error


def _packed(outcome: Any) -> bytes:
    """An outcome as bytes; what cannot be sent is replaced by an exception that says so."""
    try:
        packed = pickle.dumps((outcome,))
        if isinstance(outcome, Exception):
            pickle.loads(packed)  # noqa: S301 - some exceptions cannot be made again from their arguments
    except Exception as error:  # noqa: BLE001 - pickling raises whatever the object's own methods raise
        what = f"{type(outcome).__name__}: {outcome}" if isinstance(outcome, Exception) else type(outcome).__name__
        packed = pickle.dumps((RuntimeError(f"{what}, which cannot be sent on: {error}"),))
    return packed


def _end_with_parent() -> None:
    """Do not work on for a parent that was killed."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _one_thread() -> None:
    """One thread of linear algebra a process: there is a process for each core."""
    from threadpoolctl import threadpool_limits

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # for libraries that are loaded later
    threadpool_limits(1)
