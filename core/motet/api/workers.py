"""Many independent pieces of work: who does them (`motet.api.processes`, `motet.api.cluster`) is another matter."""

from collections.abc import Callable, Generator, Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Workers(Protocol):
    """Where work is done."""

    def done(self, function: Callable[[T], R], pieces: Iterable[T]) -> Generator[tuple[T, R | Exception]]:
        """Each piece with what `function` made of it, or with the exception that it raised or that its worker died of;
        in the order in which they end.

        Pieces are taken when there is somebody to work on them, so that few are in memory at once. Closing the
        generator ends the work.
        """
        ...
