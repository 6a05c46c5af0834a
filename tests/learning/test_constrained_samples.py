"""Points drawn from spaces that are too large to list, with constraints on them."""

import math
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.errors import LearnerError
from motet.learning.directions import directions
from motet.learning.encoding import Encoder
from motet.learning.pool import SAMPLE, Pool, sample
from motet.learning.sampling import Sampler
from motet.model.axes import Axes
from motet.model.constraints import Between, Constraint, Forbidden, Linear, Nonzero, Sum
from motet.model.feasible import Undecided, witness
from motet.model.space import Categorical, Continuous, Fixed, Integer, Parameter, Space, Stepped

SIX = tuple("abcdef")
TWENTY = tuple(f"e{i}" for i in range(20))
UNIT = Continuous(low=0, high=1)


def composition(names: tuple[str, ...], axis: Parameter, *more: Constraint) -> Space:
    return Space(dict.fromkeys(names, axis), None, [Sum(sum=names, equals=1), *more])


MIXED: Mapping[str, Parameter] = {
    "a": UNIT,
    "b": Stepped(low=0, high=1, step=0.25),
    "c": Continuous(low=1e-3, high=1, scale="log"),
    "temperature": Continuous(low=20, high=200),
    "solvent": Categorical(choices=("water", "ethanol", "dmso")),
    "cell": Fixed(value="A"),
}
SPACES = {
    "grid": composition(SIX, Stepped(low=0, high=1, step=0.01)),
    "simplex": composition(SIX, UNIT),
    "bounded": composition(SIX, Continuous(low=0.05, high=0.4)),
    "sparse grid": composition(
        TWENTY, Stepped(low=0, high=1, step=0.02), Nonzero(nonzero=TWENTY, at_most=3)
    ),
    "sparse": composition(SIX, UNIT, Nonzero(nonzero=SIX, at_most=2)),
    "two sums": Space(
        dict.fromkeys("abcdefgh", Stepped(low=0, high=1, step=0.02)),
        None,
        [
            Sum(sum=tuple("abcde"), equals=1),
            Sum(sum=tuple("defgh"), equals=0.8),
            Linear(linear={"a": 1, "b": -2}, at_least=0),
        ],
    ),
    "band": Space(
        {"a": UNIT, "b": UNIT}, None, [Linear(linear={"a": 1, "b": -1}, at_least=-0.001, at_most=0.001)]
    ),
    "unlike steps": Space(
        {
            "a": Stepped(low=0, high=1, step=0.04),
            "b": Stepped(low=0, high=0.96, step=0.06),
            "c": Integer(low=0, high=900),
            "d": Integer(low=0, high=9999),
        },
        None,
        [Linear(linear={"a": 1, "b": 1, "c": 0.02}, equals=1)],
    ),
    "mixed": Space(
        MIXED,
        None,
        [
            Sum(sum=("a", "b", "c"), equals=1),
            Forbidden(forbidden={"solvent": "water", "temperature": Between(above=90)}),
            Linear(linear={"a": 1, "temperature": -0.01}, at_most=0),
        ],
    ),
    "corner": Space(
        dict.fromkeys(SIX, UNIT),
        None,
        [Linear(linear={a: 1, b: -1}, at_least=0.16) for a, b in pairwise(SIX)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPACES)
def test_every_point_drawn_is_in_the_space_and_there_are_many(name: str) -> None:
    space = SPACES[name]
    assert space.listed() is None

    pool = sample(space, Encoder(space), np.random.default_rng(1))

    assert all(not space.problems(point) for point in pool.points)
    assert len(pool.points) > 0.8 * SAMPLE


def test_sums_of_fractions_on_a_grid_are_exact_and_their_values_are_those_of_the_grid() -> None:
    space = SPACES["grid"]
    levels = set(Stepped(low=0, high=1, step=0.01).values())

    for point in sample(space, Encoder(space), np.random.default_rng(2)).points:
        assert {float(value) for value in point.values()} <= levels
        assert sum(round(100 * float(value)) for value in point.values()) == 100


def test_a_composition_is_drawn_evenly() -> None:
    # the marginal of a uniform point on the simplex of k fractions is Beta(1, k - 1): P(x > t) = (1 - t)^(k - 1)
    x = sample(SPACES["simplex"], Encoder(SPACES["simplex"]), np.random.default_rng(3)).x

    assert np.allclose(x.sum(axis=1), 1, atol=1e-12)
    assert x.mean(axis=0).tolist() == pytest.approx([1 / 6] * 6, abs=0.012)
    for t in (0.05, 0.2, 0.5):
        expected = (1 - t) ** 5
        error = math.sqrt(expected * (1 - expected) / SAMPLE)
        assert np.mean(x > t, axis=0).tolist() == pytest.approx([expected] * 6, abs=5 * error)


@pytest.mark.parametrize(
    "constraint",
    [
        Sum(sum=("a", "b", "c"), equals=1),
        Sum(sum=("a", "b", "c"), at_most=0.4),
        Linear(linear={"a": 1, "b": -1}, at_least=0.2),
        Forbidden(forbidden={"a": Between(above=0.3), "b": Between(above=0.3)}),
    ],
    ids=str,
)
def test_every_point_of_a_grid_is_drawn_as_often(constraint: Constraint) -> None:
    space = Space(dict.fromkeys("abc", Stepped(low=0, high=1, step=0.1)), None, [constraint])
    rng = np.random.default_rng(4)
    sampler = Sampler(space)

    drawn = Counter(tuple(point.values()) for _ in range(16) for point in sampler.draw(SAMPLE, rng))

    expected = sum(drawn.values()) / space.size
    assert len(drawn) == space.size
    assert math.sqrt(np.mean([(count - expected) ** 2 for count in drawn.values()]) / expected) < 1.25
    assert sum(drawn.values()) > 14 * SAMPLE


def test_a_sparse_composition_has_every_set_of_elements() -> None:
    space = SPACES["sparse"]

    points = sample(space, Encoder(space), np.random.default_rng(5)).points

    pairs = Counter(frozenset(name for name, value in point.items() if value) for point in points)
    assert sum(len(pair) == 2 for pair in pairs) == 15
    assert sum(len(pair) == 1 for pair in pairs) == 6
    assert min(count for pair, count in pairs.items() if len(pair) == 2) > 50


def test_a_log_scale_is_sampled_in_the_log() -> None:
    space = Space({"c": Continuous(low=1e-6, high=1, scale="log"), "d": UNIT, "e": UNIT}, None,
                  [Linear(linear={"c": 1, "d": 1}, at_most=1.5)])  # fmt: skip

    values = [float(point["c"]) for point in Sampler(space).draw(SAMPLE, np.random.default_rng(6))]

    decades = np.histogram(np.log10(values), bins=6, range=(-6, 0))[0]
    assert decades.min() > 0.8 * SAMPLE / 6


def test_a_choice_that_is_nearly_always_forbidden_is_found_all_the_same() -> None:
    eight = tuple("abcdefgh")
    parameters: dict[str, Parameter] = {name: Categorical(choices=tuple("pqrst")) for name in eight}
    only = [Forbidden(forbidden={name: ("p", "q", "r", "s")}) for name in eight]
    space = Space({**parameters, "x": UNIT}, None, only)

    points = Sampler(space).draw(64, np.random.default_rng(7))

    assert {tuple(point[name] for name in eight) for point in points} == {tuple("tttttttt")}


def test_samples_with_constraints_differ_by_seed_and_only_by_seed() -> None:
    space = SPACES["mixed"]
    one, same, other = (sample(space, Encoder(space), np.random.default_rng(seed)).x for seed in (1, 1, 2))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_constraints_that_leave_nothing_are_an_error_that_says_so() -> None:
    space = Space({"a": UNIT, "b": UNIT}, None, [Sum(sum=("a", "b"), equals=2.5)])

    with pytest.raises(LearnerError, match="no point that meets the constraints of the search space was found"):
        sample(space, Encoder(space), np.random.default_rng(0))


weights = st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]), min_size=5, max_size=5)


@settings(deadline=None)
@given(
    rows=st.lists(weights.filter(any), min_size=1, max_size=2), stepped=st.lists(st.booleans(), min_size=5, max_size=5)
)
def test_moves_along_directions_leave_every_equality_as_it_is(rows: list[list[float]], stepped: list[bool]) -> None:
    names = "abcde"
    parameters: dict[str, Parameter] = {
        name: Stepped(low=-5, high=5, step=0.5) if whole else Continuous(low=-5, high=5)
        for name, whole in zip(names, stepped, strict=True)
    }
    found = [Linear(linear=dict(zip(names, row, strict=True)), equals=0) for row in rows]
    axes = Axes(parameters, found)

    steps = directions(axes)

    assert np.abs(steps @ axes.sums.weights.T).max(initial=0.0) < 1e-9
    assert np.array_equal(steps[:, axes.whole], np.round(steps[:, axes.whole]))
    assert np.linalg.matrix_rank(steps) == 5 - np.linalg.matrix_rank(np.array(rows))


def test_a_pool_of_a_sample_has_its_points_in_the_order_of_their_rows() -> None:
    space = SPACES["mixed"]
    encoder = Encoder(space)
    pool = Pool.of(list(Sampler(space).draw(256, np.random.default_rng(0))), encoder)

    assert np.array_equal(encoder.encode(pool.points), pool.x)
    assert pool.x.tolist() == sorted(pool.x.tolist())


FIVE: dict[str, Parameter] = {
    "u": Continuous(low=-1, high=1),
    "v": Continuous(low=1e-3, high=1, scale="log"),
    "g": Stepped(low=-1, high=9, step=1 / 3),
    "n": Integer(low=0, high=1_000_000),
    "s": Categorical(choices=("p", "q", "r")),
}
numbers = st.lists(st.sampled_from("uvgn"), min_size=2, unique=True)
factors = st.lists(st.sampled_from([-2.0, -1.0, 0.5, 1.0]), min_size=4, max_size=4)
at_some_point = st.fixed_dictionaries(
    {
        "u": st.floats(-1, 1),
        "v": st.floats(1e-3, 1),
        "g": st.integers(0, 30).map(lambda i: i / 3 - 1),
        "n": st.integers(0, 99),
    }
)
linear = st.tuples(numbers, factors, at_some_point, st.sampled_from(["equals", "at_most", "at_least"])).map(
    lambda found: Linear.model_validate(
        {
            "linear": dict(zip(found[0], found[1], strict=False)),
            found[3]: sum(factor * found[2][name] for name, factor in zip(found[0], found[1], strict=False)),
        }
    )
)
forbidden = st.tuples(st.sampled_from("ug"), st.floats(-1, 1), st.sampled_from("pqr")).map(
    lambda found: Forbidden.model_validate({"forbidden": {found[0]: {"above": found[1]}, "s": found[2]}})
)
nonzero = numbers.map(lambda names: Nonzero(nonzero=tuple(names), at_most=len(names) - 1))


@settings(deadline=None, max_examples=40)
@given(found=st.lists(st.one_of(linear, forbidden, nonzero), min_size=1, max_size=3))
def test_whatever_the_constraints_are_points_that_meet_them_are_found_if_there_are_any(found: list[Constraint]) -> None:
    space = Space(FIVE, None, found)

    try:
        points = list(Sampler(space).draw(64, np.random.default_rng(0)))
    except LearnerError:
        points = []
        with suppress(Undecided):
            assert witness(Axes(FIVE, found)) is None

    assert [space.problems(point) for point in points if space.problems(point)] == []
