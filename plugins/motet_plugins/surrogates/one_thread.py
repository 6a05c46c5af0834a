"""Linear algebra in one thread."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any


@contextmanager
def one_blas_thread() -> Generator[None]:
    """BLAS and LAPACK work in one thread meanwhile, in the whole process.

    More gain nothing on matrices of some hundred rows. On a machine that has other work to do they wait for
    one another most of the time: fits were seen to take five hundred times as long.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> Any:
    import_module("scipy.linalg")  # only a library that is loaded is found
    return import_module("threadpoolctl").ThreadpoolController()
