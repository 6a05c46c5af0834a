"""Step outputs as arrays of numbers, for analyses."""

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import StringConstraints

from motet.errors import AnalysisError
from motet.model.experiment import RunRecord

Signal = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]\w*\.[A-Za-z]\w*$")]
"""One output of one step of the procedure: `step.output`."""


def trace(run: RunRecord, signal: str) -> NDArray[np.float64]:
    """Every number of a signal, shape (n,), n > 0; those of a repeated step one after the other.

    Raises AnalysisError when the run has no such signal, or when anything in it is not a finite number.
    """
    return _finite(np.concatenate([_numbers(value, signal) for value in _found(run, signal)]), signal)


def scalar(run: RunRecord, signal: str) -> float:
    """The number of a signal, the last one of a repeated step. Raises AnalysisError as `trace` does."""
    numbers = _finite(_numbers(_found(run, signal)[-1], signal), signal)
    if numbers.size > 1:
        raise AnalysisError(f"{signal} holds a trace of {numbers.size} points; one number is needed")
    return float(numbers[0])


def _found(run: RunRecord, signal: str) -> list[Any]:
    step, _, name = signal.partition(".")
    try:
        return run.output(step, name)
    except KeyError as error:
        raise AnalysisError(f"{signal}: {error.args[0]}") from error


def _numbers(value: Any, signal: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise AnalysisError(f"{signal} is ragged: {error}") from error
    if array.dtype.kind not in "iuf" and array.size:
        raise AnalysisError(f"{signal} holds {_shown(value)}, not numbers")
    return array.astype(np.float64).ravel()


def _finite(numbers: NDArray[np.float64], signal: str) -> NDArray[np.float64]:
    if not numbers.size:
        raise AnalysisError(f"{signal} is empty: no point was measured")
    if bad := int(np.count_nonzero(~np.isfinite(numbers))):
        raise AnalysisError(f"{signal}: {bad} of {numbers.size} points are not finite numbers (NaN or infinite)")
    return numbers


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
