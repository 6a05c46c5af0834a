"""Exit codes, and errors without tracebacks."""

import functools
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Any, TypeVar, cast

import typer

F = TypeVar("F", bound=Callable[..., Any])


class Exit(IntEnum):
    """What `motet` exits with."""

    OK = 0
    INTERNAL = 1
    MISTAKE = 2
    NO_CONNECTION = 3
    FAILED = 4
    UNSAFE = 5
    ABORTED = 130


def handled(command: F) -> F:
    """Errors that Motet raises on purpose, and files that cannot be used, become one message and an exit code.

    MOTET_DEBUG=1 shows the traceback instead.
    """

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from motet.errors import MotetError

        try:
            return command(*args, **kwargs)
        except MotetError as error:
            if os.environ.get("MOTET_DEBUG"):
                raise
            _print(error)
            raise typer.Exit(_code(error)) from None
        except OSError as error:
            if os.environ.get("MOTET_DEBUG") or error.filename is None:
                raise
            print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
            raise typer.Exit(Exit.MISTAKE) from None

    return cast("F", wrapped)


def _code(error: Exception) -> Exit:
    from motet import errors

    match error:
        case errors.ConnectionProblem():
            return Exit.NO_CONNECTION
        case errors.Aborted():
            return Exit.ABORTED
        case errors.FileProblems() | errors.PluginProblem() | errors.NotFound() | errors.AnswerProblem():
            return Exit.MISTAKE
        case _:
            return Exit.FAILED


def _print(error: Exception) -> None:
    from motet.errors import FileProblems

    if isinstance(error, FileProblems):
        number = len(error.problems)
        print(f"{number} problem{'s' if number > 1 else ''} found:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
    else:
        print(f"error: {error}", file=sys.stderr)
