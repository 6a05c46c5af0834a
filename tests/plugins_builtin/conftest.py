"""Views made by hand, for acquisitions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from motet.contracts.belief import Array, Data, Predict, Prediction, View

MakeView = Callable[..., View]


@pytest.fixture(scope="session")
def make_view() -> MakeView:
    """A view of beliefs about a pool, every point of it a candidate unless told otherwise."""

    def fit(values: Array) -> Predict:
        raise AssertionError(f"nothing is fitted here; asked for {values}")

    def make(
        *wholes: Prediction,
        pool: Array | None = None,
        rows: Sequence[int] | None = None,
        best: float = 0.0,
        models: Sequence[Any] = (),
        data: Sequence[Data] = (),
        outcomes: Array | None = None,
        outcomes_at: Array | None = None,
        pending: Array | None = None,
        fit: Callable[[Array], Predict] = fit,
        seed: int = 0,
    ) -> View:
        n = len(wholes[0].mean)
        pool = np.linspace(0.0, 1.0, n)[:, None] if pool is None else pool
        outcomes = np.zeros((0, len(wholes))) if outcomes is None else outcomes
        outcomes_at = np.linspace(0.0, 1.0, len(outcomes))[:, None] if outcomes_at is None else outcomes_at
        told = np.arange(len(outcomes))
        return View(
            pool=pool,
            rows=np.arange(n) if rows is None else np.array(rows),
            models=models or [lambda x, whole=whole: whole for whole in wholes],
            wholes=wholes,
            data=data or [Data(outcomes_at, column, told) for column in outcomes.T],
            best=best,
            pending=np.zeros((0, pool.shape[1])) if pending is None else pending,
            rng=np.random.default_rng(seed),
            outcomes=outcomes,
            outcomes_at=outcomes_at,
            fit=fit,
        )

    return make
