"""Linear algebra in one thread."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

_lock = threading.Lock()
_inside: list[Any] = []
"""The limits of those who are inside now; all are made and lifted by the first and the last of them."""


@contextmanager
def one_blas_thread() -> Generator[None]:
    """BLAS and LAPACK work in one thread meanwhile, in the whole process, until the last who asked for it is done.

    More gain nothing on matrices of some hundred rows. On a machine that has other work to do they wait for
    one another most of the time: fits were seen to take five hundred times as long.
    """
    with _lock:
        limit = _inside[0] if _inside else _libraries().limit(limits=1, user_api="blas")
        _inside.append(limit)
    try:
        yield
    finally:
        with _lock:
            _inside.pop()
            if not _inside:
                limit.restore_original_limits()


@cache
def _libraries() -> Any:
    import_module("scipy.linalg")  # only a library that is loaded is found
    return import_module("threadpoolctl").ThreadpoolController()
