"""Many independent pieces of work, over processes of this machine or a Dask cluster, with bounded memory."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Workers(Protocol):
    """Where work is done."""

    def done(self, function: Callable[[T], R], pieces: Iterable[T]) -> Iterator[tuple[T, R | Exception]]:
        """Each piece with what `function` made of it, or with the exception that it raised or that killed its worker;
        in the order in which they end. Pieces are taken as workers come free. Closing the iterator ends the work."""
        ...
