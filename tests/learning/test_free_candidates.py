"""Which candidates may still be suggested."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from motet.learning.encoding import Encoder
from motet.learning.free import BLOCK, RENEWED, Free, Supply
from motet.learning.pool import SAMPLE, Pool, everything
from motet.model.space import Continuous, Integer, Space


def line(n: int) -> tuple[Free, Encoder]:
    """The points 1 to n."""
    space = Space({"n": Integer(low=1, high=n)})
    encoder = Encoder(space)
    return Free(Pool.of(list(space.points()), encoder)), encoder


@given(size=st.sampled_from([2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK]), data=st.data())
def test_the_free_ones_are_numbered_in_the_order_of_the_pool(size: int, data: st.DataObject) -> None:
    free, encoder = line(size)
    taken = data.draw(st.lists(st.integers(1, size), max_size=20))
    back = data.draw(st.lists(st.integers(1, size), max_size=5))
    for n in taken:
        free.mark(encoder.key({"n": n}), False)
    for n in back:
        free.mark(encoder.key({"n": n}), True)

    expected = sorted(set(range(1, size + 1)) - set(taken) | set(back))

    assert len(free) == len(expected) == len(free.x)
    assert [free.point(row)["n"] for row in free.rows()] == expected
    assert [free.row(number) for number in range(len(free))] == free.rows().tolist()


def test_rows_and_keys_of_the_free_ones_are_those_of_their_points() -> None:
    free, encoder = line(9)
    free.mark(encoder.key({"n": 4}), False)

    assert free.key(free.row(3)) == encoder.key({"n": 5})
    assert free.x.tolist() == encoder.encode([{"n": n} for n in (1, 2, 3, 5, 6, 7, 8, 9)]).tolist()


def test_a_point_that_is_not_in_the_pool_is_ignored() -> None:
    space = Space({"x": Continuous(low=0, high=1)}, [{"x": 0.0}, {"x": 1.0}])
    encoder = Encoder(space)
    pool = everything(space, encoder)
    assert pool is not None
    free = Free(pool)

    free.mark(encoder.key({"x": 0.5}), False)

    assert len(free) == 2


def test_one_sample_of_a_large_space_serves_a_start_design_many_times() -> None:
    space = Space({"x": Continuous(low=0, high=1)})
    blocked: set[bytes] = set()
    supply = Supply(space, Encoder(space), 0, blocked.__contains__)
    first = supply.at_start(0)
    key = first.key(first.row(5))
    blocked.add(key)
    supply.update(key)

    assert supply.at_start(RENEWED - 1) is first
    assert len(first) == SAMPLE - 1
    assert supply.at_start(RENEWED) is not first


def test_a_sample_lacks_what_is_blocked_already() -> None:
    space = Space({"n": Integer(low=1, high=400), "m": Integer(low=1, high=400)})
    encoder = Encoder(space)
    blocked = {encoder.key({"n": n, "m": m}) for n in range(1, 201) for m in range(1, 401)}

    free = Supply(space, encoder, 0, blocked.__contains__).to_score(np.random.default_rng(0))

    assert 0.4 * SAMPLE < len(free) < 0.6 * SAMPLE
    assert free.x[:, 0].min() > 0.4
