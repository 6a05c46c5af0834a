"""Points near the best of a sample: a large space is searched more closely there."""

from collections.abc import Callable

import numpy as np
import pytest

from motet.learning.encoding import Encoder
from motet.learning.free import Free, Supply
from motet.learning.pool import Pool
from motet.model.constraints import Forbidden, Nonzero, Sum
from motet.model.space import Categorical, Continuous, Integer, Parameter, Space, Stepped
from motet.model.values import Point

UNIT = Continuous(low=0, high=1)
NAMES = tuple("abcdef")


def supply(space: Space, blocked: Callable[[bytes], bool] = lambda key: False) -> Supply:
    return Supply(space, Encoder(space), 0, blocked)


def keys(free: Free) -> set[bytes]:
    return {free.key(int(row)) for row in free.rows()}


SPACES: dict[str, Space] = {
    "plain": Space({**dict.fromkeys("ab", UNIT), "c": Continuous(low=1e-6, high=1, scale="log")}),
    "grid": Space(dict.fromkeys(NAMES, Stepped(low=0, high=1, step=0.01)), None, [Sum(sum=NAMES, equals=1)]),
    "simplex": Space(dict.fromkeys(NAMES, UNIT), None, [Sum(sum=NAMES, equals=1)]),
    "sparse": Space(
        dict.fromkeys(NAMES, UNIT), None, [Sum(sum=NAMES, equals=1), Nonzero(nonzero=NAMES, at_most=2)]
    ),
    "mixed": Space(
        {"x": UNIT, "n": Integer(low=0, high=1_000_000), "s": Categorical(choices=("u", "v", "w"))},
        None,
        [Forbidden.model_validate({"forbidden": {"s": "u", "x": {"above": 0.5}}})],
    ),
}  # fmt: skip


@pytest.mark.parametrize("stage", [0, 1, 2])
@pytest.mark.parametrize("name", SPACES)
def test_neighbours_are_valid_and_come_with_the_points_that_they_are_near(name: str, stage: int) -> None:
    space = SPACES[name]
    source = supply(space)
    free = source.to_score(np.random.default_rng(1))
    rows = [3, 10, 500]

    near = source.refined(free, rows, np.random.default_rng(2), stage)

    assert near is not None
    assert 150 < len(near) < 600
    assert {free.key(row) for row in rows} <= keys(near)
    assert all(not space.problems(near.point(int(row))) for row in near.rows())


@pytest.mark.parametrize("name", ["plain", "grid", "simplex"])
def test_neighbours_get_nearer_from_stage_to_stage(name: str) -> None:
    source = supply(SPACES[name])
    free = source.to_score(np.random.default_rng(1))
    found: list[float] = []
    for stage in range(3):
        near = source.refined(free, [7], np.random.default_rng(2), stage)
        assert near is not None
        found.append(float(np.median(np.linalg.norm(near.x - free.pool.x[7], axis=1))))

    assert found[0] > 1.5 * found[1] > 2.25 * found[2] > 0
    assert found[0] < 0.4


def test_neighbours_of_a_mixed_point_have_every_choice() -> None:
    source = supply(SPACES["mixed"])
    free = source.to_score(np.random.default_rng(1))
    row = next(int(row) for row in free.rows() if float(free.point(int(row))["x"]) < 0.3)

    near = source.refined(free, [row], np.random.default_rng(2), 0)

    assert near is not None
    assert {near.point(int(row))["s"] for row in near.rows()} == {"u", "v", "w"}


def test_neighbours_of_a_sparse_point_have_other_elements() -> None:
    source = supply(SPACES["sparse"])
    free = source.to_score(np.random.default_rng(1))

    near = source.refined(free, [1000], np.random.default_rng(2), 1)

    assert near is not None
    elements = {frozenset(n for n, v in near.point(int(row)).items() if v) for row in near.rows()}
    assert len(elements) > 4
    assert all(len(found) <= 2 for found in elements)


def test_what_is_blocked_is_not_among_the_neighbours() -> None:
    space = Space({"n": Integer(low=0, high=999), "m": Integer(low=0, high=999)})
    encoder = Encoder(space)
    blocked = {encoder.key({"n": n, "m": m}) for n in range(480, 521) for m in range(480, 521) if (n, m) != (500, 500)}
    source = supply(space, blocked.__contains__)
    at = Free(Pool.of([{"n": 500, "m": 500}], encoder))

    near = source.refined(at, [0], np.random.default_rng(0), 2)

    assert near is not None
    assert 0 < len(near) < len(near.pool.x)
    assert not keys(near) & blocked


def test_a_space_that_is_listed_has_no_finer_one() -> None:
    table: list[Point] = [{"x": 0.0}, {"x": 0.5}]
    parameters: dict[str, Parameter] = {"x": UNIT}
    for space in (Space(parameters, table), Space({"n": Integer(low=1, high=9)})):
        source = supply(space)
        assert source.refined(source.to_score(np.random.default_rng(0)), [0], np.random.default_rng(0), 0) is None
    source = supply(Space(parameters))
    assert source.refined(source.to_score(np.random.default_rng(0)), [], np.random.default_rng(0), 0) is None


@pytest.mark.parametrize("name", ["plain", "grid", "simplex"])
def test_three_stages_come_much_nearer_to_an_optimum_than_the_sample(name: str) -> None:
    space = SPACES[name]
    source = supply(space)
    gains: list[float] = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        free = source.to_score(rng)
        goal = rng.dirichlet(np.ones(free.x.shape[1]))
        best = np.min(np.linalg.norm(free.x - goal, axis=1))
        pool = free
        for stage in range(3):
            top = pool.rows()[np.argsort(np.linalg.norm(pool.x - goal, axis=1))[:8]]
            finer = source.refined(pool, top.tolist(), rng, stage)
            assert finer is not None
            pool = finer
        gains.append(float(best / np.min(np.linalg.norm(pool.x - goal, axis=1))))

    assert float(np.median(gains)) > (2 if name == "grid" else 3)
    assert min(gains) >= 1
