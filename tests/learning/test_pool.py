"""The candidates a learner chooses from."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from motet.learning.encoding import Encoder
from motet.learning.pool import SAMPLE, everything, sample
from motet.model.space import Categorical, Continuous, Fixed, Integer, Parameter, Space, Stepped
from motet.model.values import Point


def test_a_small_space_is_listed_in_full(grid: Space) -> None:
    pool = everything(grid, Encoder(grid))

    assert pool is not None
    assert len(pool.points) == 441
    assert {(p["x"], p["y"]) for p in pool.points} == {(2.5 * i, 2.5 * j) for i in range(21) for j in range(21)}


def test_the_order_of_a_table_and_duplicates_in_it_do_not_matter() -> None:
    parameters: dict[str, Parameter] = {"x": Continuous(low=0, high=9), "s": Categorical(choices=("a", "b"))}
    table: list[Point] = [{"x": 3.0, "s": "b"}, {"x": 1.0, "s": "a"}, {"x": 3.0, "s": "a"}]
    one, other = Space(parameters, table), Space(parameters, [*reversed(table), table[1]])

    first, second = everything(one, Encoder(one)), everything(other, Encoder(other))

    assert first is not None
    assert second is not None
    assert list(first.points) == list(second.points)
    assert np.array_equal(first.x, second.x)


def test_a_large_product_is_sampled_and_not_listed() -> None:
    space = Space({name: Integer(low=1, high=1_000_000) for name in "abc"} | {"k": Fixed(value=7)})
    encoder = Encoder(space)

    assert everything(space, encoder) is None
    pool = sample(space, encoder, np.random.default_rng(1))

    assert SAMPLE * 0.99 <= len(pool.points) <= SAMPLE
    assert all(not space.problems(point) for point in pool.points)
    assert all(point["k"] == 7 for point in pool.points)


def test_a_sample_covers_every_corner_of_the_space() -> None:
    space = Space({name: Continuous(low=-1, high=1) for name in "abcd"})

    rows = sample(space, Encoder(space), np.random.default_rng(1)).x

    halves = {tuple(bool(value) for value in row > 0.5) for row in rows}
    assert len(halves) == 16
    assert np.allclose(rows.mean(axis=0), 0.5, atol=0.01)


def test_samples_differ_by_seed_and_only_by_seed() -> None:
    space = Space({"x": Continuous(low=0, high=1)})
    one, same, other = (sample(space, Encoder(space), np.random.default_rng(seed)).x for seed in (1, 1, 2))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_an_infinite_space_of_one_categorical_and_one_number_keeps_both_choices() -> None:
    space = Space({"s": Categorical(choices=("a", "b")), "x": Continuous(low=0, high=1)})

    points = sample(space, Encoder(space), np.random.default_rng(0)).points

    assert sum(point["s"] == "a" for point in points) == SAMPLE // 2


@given(low=st.integers(-50, 50), count=st.integers(1, 500), step=st.sampled_from([0.1, 0.25, 1e-3, 3.0, 1 / 3]))
def test_sampled_steps_are_the_listed_ones(low: int, count: int, step: float) -> None:
    parameter = Stepped(low=low * step, high=(low + count) * step, step=step)
    space = Space({"x": parameter, "y": Continuous(low=0, high=1)})

    points = sample(space, Encoder(space), np.random.default_rng(0), n=64).points

    assert {point["x"] for point in points} <= set(parameter.values())
