"""Start designs and pending strategies."""

import numpy as np
import pytest

from motet.contracts.declarations import Kind
from motet.contracts.learning import Array, Pending, Prediction, Repeating, StartDesign
from motet.plugins import installed


@pytest.mark.parametrize(("options", "stations", "count"), [({}, 1, 1), ({}, 4, 4), ({"n": 7}, 4, 7)])
def test_random_starts_with_one_point_a_station_or_as_many_as_told(
    options: dict[str, int], stations: int, count: int
) -> None:
    start: StartDesign = installed().make(Kind.START, "random", options)

    assert start.count(stations) == count


class Five:
    """Five candidates whose rows are not for looking at: there may be very many."""

    def __len__(self) -> int:
        return 5

    @property
    def x(self) -> Array:
        raise AssertionError("a random choice needs no rows")


def test_random_chooses_every_candidate_alike() -> None:
    start: StartDesign = installed().make(Kind.START, "random", {})
    rng = np.random.default_rng(0)

    candidates = Five()
    chosen = np.bincount([start.choose(candidates, rng) for _ in range(2000)], minlength=5)

    assert chosen.tolist() == pytest.approx([400] * 5, abs=70)


def predict(x: Array) -> Prediction:
    return Prediction(2 * x[:, 0], np.ones(len(x)))


@pytest.mark.parametrize(("name", "expected"), [("exclude", None), ("none", None), ("believer", [0.5, 1.5])])
def test_what_a_pending_strategy_pretends(name: str, expected: list[float] | None) -> None:
    pending: Pending = installed().make(Kind.PENDING, name, {})

    values = pending.stand_ins(predict, np.array([[0.25], [0.75]]), np.array([0.0, 1.0]))

    assert (values if values is None else values.tolist()) == expected


@pytest.mark.parametrize(("name", "repeats"), [("exclude", False), ("believer", False), ("none", True)])
def test_pending_points_are_suggested_again_by_none_only(name: str, repeats: bool) -> None:
    pending: Pending = installed().make(Kind.PENDING, name, {})

    assert (isinstance(pending, Repeating) and pending.repeats) is repeats
