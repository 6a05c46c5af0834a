"""PyTorch in one thread, in double precision, without the warnings that its users cannot act on."""

import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

_lock = threading.Lock()
_inside: list[int] = []
"""For each of those who are inside now, how many threads there were before the first of them."""

QUIET = (
    ("botorch.exceptions.warnings", "InputDataWarning"),  # values are standardized, but not when they are equal
    ("botorch.exceptions.warnings", "OptimizationWarning"),  # a fit is tried again, and raises in the end
    ("linear_operator.utils.warnings", "NumericalWarning"),  # a very small noise is rounded up
)


def loaded(module: str) -> Any:
    """A module of PyTorch or built on it, which takes seconds the first time and warns of its own future."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_module(module)


@contextmanager
def one_torch_thread(seed: int | None = None) -> Generator[Any]:
    """The module `torch`, in one thread meanwhile, in the whole process; gradients are kept only by who asks for them.

    A seed makes what is drawn inside depend on nothing else, and nothing outside on it. More threads gain nothing
    on matrices of some hundred rows, and on a machine with other work fits were seen to take fifty times as long.
    """
    torch = loaded("torch")
    with _lock:
        before = _inside[0] if _inside else int(torch.get_num_threads())
        _inside.append(before)
        torch.set_num_threads(1)
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[], enabled=seed is not None):
            for module, name in QUIET:
                warnings.simplefilter("ignore", getattr(loaded(module), name))
            if seed is not None:
                torch.manual_seed(seed)
            yield torch
    finally:
        with _lock:
            _inside.pop()
            if not _inside:
                torch.set_num_threads(before)
