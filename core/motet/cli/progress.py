"""How far something is that counts."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

See = Callable[[int, int, int], object]
"""Called with how many are done, how many there are, and how many of those done failed."""


@contextmanager
def counting(what: str, silent: bool) -> Generator[See]:
    """A bar on a terminal; elsewhere a line for each tenth; nothing when `silent`."""
    if silent:
        yield lambda done, total, failed: None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        counts = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        rest = (TextColumn("{task.fields[failed]}"), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*counts, *rest, console=Console(stderr=True)) as bar:
            task = bar.add_task(what, total=None, failed="")
            yield lambda done, total, failed: bar.update(task, completed=done, total=total, failed=_failed(failed))
    else:
        shown: set[int] = set()

        def tell(done: int, total: int, failed: int) -> None:
            tenth = 10 * done // max(1, total)
            if tenth not in shown:
                shown.add(tenth)
                of = f", {_failed(failed)}" if failed else ""
                print(f"{done} of {total} {what}{of}", file=sys.stderr, flush=True)

        yield tell


def _failed(number: int) -> str:
    return f"{number} failed" if number else ""
