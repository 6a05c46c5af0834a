"""Pools of many rows: what is looked up in them, and what they cost."""

import random
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.files.candidates import read_table
from motet.files.report import Report
from motet.learning.encoding import Encoder
from motet.learning.free import Free, Supply
from motet.learning.pool import Pool, everything
from motet.model.rows import Rows
from motet.model.space import Categorical, Continuous, Fixed, Integer, Parameter, Space
from motet.model.values import Point

UNIT = Continuous(low=0, high=1)


@given(values=st.lists(st.tuples(st.integers(0, 20), st.sampled_from("uv")), min_size=1, max_size=60), data=st.data())
def test_every_point_is_found_by_its_key_and_no_other(values: list[tuple[int, str]], data: st.DataObject) -> None:
    space = Space({"n": Integer(low=0, high=20), "s": Categorical(choices=("u", "v"))})
    encoder = Encoder(space)
    pool = Pool.of([{"n": n, "s": s} for n, s in values], encoder)

    for n in range(21):
        for s in "uv":
            point: Point = {"n": n, "s": s}
            row = pool.find(encoder.key(point))
            assert (row is None) == ((n, s) not in values)
            assert row is None or pool.points[row] == point
    assert pool.find(b"") is None
    assert pool.find(data.draw(st.binary(min_size=24, max_size=24))) is None or len(values) > 0


def test_a_space_of_one_point_has_a_pool_of_one() -> None:
    space = Space({"f": Fixed(value="A")})
    encoder = Encoder(space)
    pool = everything(space, encoder)

    assert pool is not None
    assert list(pool.points) == [{"f": "A"}]
    assert pool.find(encoder.key({"f": "A"})) == 0


def test_an_empty_table_leaves_nothing_to_suggest() -> None:
    space = Space({"x": UNIT, "c": Continuous(low=1, high=9, scale="log")}, [])

    supply = Supply(space, Encoder(space), 0, lambda key: False)

    assert len(supply.at_start(0)) == len(supply.to_score(np.random.default_rng(0))) == 0


def test_columns_give_the_pool_that_points_give() -> None:
    parameters: dict[str, Parameter] = {
        "x": UNIT,
        "n": Integer(low=0, high=9),
        "s": Categorical(choices=("u", "v", "w")),
        "f": Fixed(value=True),
    }
    rng = random.Random(3)
    points: list[Point] = [
        {"x": rng.choice([0.0, 0.5, 1.0]), "n": rng.randrange(10), "s": rng.choice("uvw"), "f": True}
        for _ in range(200)
    ]
    encoder = Encoder(Space(parameters))

    one, other = Pool.of(points, encoder), Pool.of(Rows.of(points[::-1], tuple(parameters)), encoder)

    assert list(one.points) == list(other.points)
    assert np.array_equal(one.x, other.x)
    assert [list(map(type, point.values())) for point in other.points][:1] == [[float, int, str, bool]]


@pytest.mark.slow
def test_a_table_of_100_000_rows_is_cheap(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = (",".join(f"{value:.5f}" for value in row) for row in rng.random((100_000, 6)))
    path = tmp_path / "points.csv"
    path.write_text("a,b,c,d,e,f\n" + "\n".join(lines))
    taken: set[bytes] = set()

    tracemalloc.start()
    table = read_table(path, {}, Report())
    assert table is not None
    space = Space(table.parameters, table.rows)
    free = Supply(space, Encoder(space), 0, taken.__contains__).to_score(rng)
    free.mark(free.key(7), False)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(free) == 99_999
    assert most < 200e6

    begun = time.process_time()
    table = read_table(path, {}, Report())
    assert table is not None
    space = Space(table.parameters, table.rows)
    encoder = Encoder(space)
    supply = Supply(space, encoder, 0, taken.__contains__)
    free = supply.to_score(rng)
    for row in range(100):
        taken.add(key := encoder.key(free.point(row)))
        supply.update(key)
    assert len(free) == 99_900
    assert time.process_time() - begun < 2
    assert isinstance(free, Free)
