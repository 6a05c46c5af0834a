"""The first points of a campaign: how they are spread, and that the same seed gives the same ones."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from time import process_time
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import qmc

from motet.contracts.belief import Array
from motet.contracts.declarations import Kind
from motet.contracts.learning import Beginning, Listed, StartDesign
from motet.plugins import installed

DESIGNS = ("random", "sobol", "latin_hypercube", "grid", "farthest_point")


def start(name: str, **options: Any) -> StartDesign:
    return installed().make(Kind.START, name, options)


@dataclass
class Rows:
    """Candidates with these rows."""

    x: Array

    def __len__(self) -> int:
        return len(self.x)


def lattice(levels: int, width: int) -> Array:
    """All points of a grid, in rising order."""
    return np.array(list(product(np.linspace(0, 1, levels), repeat=width)))


def points(design: StartDesign, x: Array, n: int, seed: int = 0, taken: Array | None = None) -> Array:
    """The first n points (n, d) of a campaign over the rows x, each taken away once it is chosen."""
    free, gone = x, np.zeros((0, x.shape[1])) if taken is None else taken
    for number in range(n):
        rng = np.random.default_rng([seed, number])
        known = np.array(sorted(gone.tolist())).reshape(gone.shape)
        at = design.choose(Beginning(Rows(free), number, n, seed, partial(np.copy, known), rng))
        gone = np.vstack([gone, free[at]])
        free = np.delete(free, at, axis=0)
    return gone[0 if taken is None else len(taken) :]


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize(("options", "stations", "count"), [({}, 1, 1), ({}, 4, 4), ({"n": 7}, 4, 7)])
def test_a_start_has_one_point_a_station_or_as_many_as_told(
    name: str, options: dict[str, int], stations: int, count: int
) -> None:
    assert start(name, **options).count(stations) == count


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("n", [0, -1, 2.5, "3", 100_001])
def test_a_number_of_points_that_makes_no_sense_is_refused(name: str, n: object) -> None:
    with pytest.raises(ValidationError):
        start(name, n=n)


@pytest.mark.parametrize("name", DESIGNS)
def test_the_same_seed_gives_the_same_points(name: str) -> None:
    x = np.random.default_rng(1).random((300, 3))

    assert np.array_equal(points(start(name), x, 10, seed=4), points(start(name), x, 10, seed=4))


@pytest.mark.parametrize("name", ["random", "sobol", "latin_hypercube"])
def test_another_seed_gives_other_points(name: str) -> None:
    x = lattice(20, 2)

    assert not np.array_equal(points(start(name), x, 10, seed=4), points(start(name), x, 10, seed=5))


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("width", [0, 1, 2])
def test_a_start_may_use_up_all_candidates(name: str, width: int) -> None:
    x = lattice(3, width)

    chosen = points(start(name), x, len(x))

    assert sorted(chosen.tolist()) == sorted(x.tolist())


class Five:
    """Five candidates whose rows are not for looking at: there may be very many."""

    def __len__(self) -> int:
        return 5

    @property
    def x(self) -> Array:
        raise AssertionError("a random choice needs no rows")


def test_random_chooses_every_candidate_alike_without_looking_at_them() -> None:
    rng = np.random.default_rng(0)
    beginning = Beginning(Five(), 0, 1, 0, partial(np.zeros, (0, 2)), rng)

    chosen = np.bincount([start("random").choose(beginning) for _ in range(2000)], minlength=5)

    assert chosen.tolist() == pytest.approx([400] * 5, abs=70)


def spread_over_seeds(name: str, measure: Callable[[Array], float]) -> float:
    x = lattice(33, 2)
    return float(np.mean([measure(points(start(name), x, 16, seed)) for seed in range(12)]))


@pytest.mark.parametrize(("name", "at_most"), [("sobol", 0.5), ("latin_hypercube", 0.7)])
def test_sequences_fill_a_space_more_evenly_than_chance(name: str, at_most: float) -> None:
    """By the centred L2 discrepancy, 0 for a perfectly even spread."""
    discrepancy = cast("Callable[[Array], float]", qmc.discrepancy)

    assert spread_over_seeds(name, discrepancy) < at_most * spread_over_seeds("random", discrepancy)


def test_a_latin_hypercube_has_a_point_in_every_part_of_every_range() -> None:
    chosen = points(start("latin_hypercube"), np.random.default_rng(0).random((20_000, 2)), 8, seed=3)

    parts = np.floor(chosen * 8).astype(int)
    beside = np.minimum(chosen * 8 % 1, 1 - chosen * 8 % 1) > 0.1  # the nearest candidate may lie across a border

    assert all(len(set(parts[beside[:, j], j])) == np.count_nonzero(beside[:, j]) >= 5 for j in range(2))


def test_a_latin_hypercube_goes_on_with_another_when_more_points_are_needed_than_planned() -> None:
    x = np.random.default_rng(0).random((2000, 2))
    design, none = start("latin_hypercube"), partial(np.zeros, (0, 2))

    chosen = [design.choose(Beginning(Rows(x), number, 4, 7, none, np.random.default_rng(0))) for number in range(12)]

    assert len(set(chosen)) == 12


def test_a_sobol_start_goes_on_where_a_shorter_one_ended() -> None:
    x = np.random.default_rng(0).random((2000, 3))

    assert np.array_equal(points(start("sobol"), x, 16)[:8], points(start("sobol"), x, 8))


@given(place=st.floats(0, 1), missing=st.integers(0, 10))
@settings(max_examples=50, deadline=None)
def test_a_taken_point_is_replaced_by_the_nearest_one_that_is_free(place: float, missing: int) -> None:
    x = np.linspace(0, 1, 11)[:, None]
    free = np.delete(x, missing, axis=0)
    design, rng = start("sobol"), np.random.default_rng(0)
    seed = int(place * 1e6)

    wanted = float(qmc_point(seed))
    chosen = float(free[design.choose(Beginning(Rows(free), 0, 1, seed, partial(np.copy, x[[missing]]), rng)), 0])

    assert abs(chosen - wanted) == pytest.approx(float(np.abs(free - wanted).min()), abs=0.002)


def qmc_point(seed: int) -> float:
    """The first point of the sequence of this seed, as a fine pool shows it."""
    x = np.linspace(0, 1, 1001)[:, None]
    return float(points(start("sobol"), x, 1, seed)[0, 0])


@pytest.mark.parametrize(
    ("width", "count", "levels"),
    [(2, 4, [2, 2]), (2, 12, [4, 3]), (3, 27, [3, 3, 3]), (3, 20, [3, 3, 2]), (2, 3, [2, 1]), (1, 5, [5])],
)
def test_a_grid_is_the_full_factorial_that_the_number_of_points_allows(
    width: int, count: int, levels: list[int]
) -> None:
    x = lattice(13, width)

    chosen = points(start("grid"), x, count)

    each = [[0.5] if n == 1 else np.linspace(0, 1, n) for n in levels]
    factorial = np.array(list(product(*each)))
    assert np.abs(chosen[: len(factorial)] - factorial).max() <= 1 / 24 + 1e-9
    assert len(chosen) == count


def test_a_grid_takes_every_choice_of_a_category_once_with_every_level() -> None:
    x = np.array([[*category, number] for category in np.eye(3) for number in np.linspace(0, 1, 7)])

    chosen = points(start("grid"), x, 9)

    assert chosen.tolist() == [[*category, number] for category in np.eye(3) for number in (0, 0.5, 1)]


def test_a_grid_gives_a_parameter_no_more_levels_than_it_has_values() -> None:
    x = np.array(list(product([0.0, 1.0], np.linspace(0, 1, 9))))

    chosen = points(start("grid"), x, 10)

    assert chosen.tolist() == [[switch, number] for switch in (0, 1) for number in np.linspace(0, 1, 5)]


def test_a_grid_stays_the_same_when_the_last_candidate_of_a_level_is_taken() -> None:
    x = np.array(list(product([0.0, 1.0], np.linspace(0, 1, 5))))

    assert points(start("grid"), x, 10).tolist() == x.tolist()


def test_the_points_that_a_grid_does_not_have_are_random_ones() -> None:
    x = lattice(13, 2)
    beginnings = [Beginning(Rows(x), 9, 10, 0, partial(np.zeros, (0, 2)), np.random.default_rng(i)) for i in range(20)]

    assert len({start("grid").choose(beginning) for beginning in beginnings}) > 10


def test_the_farthest_points_of_a_square_are_its_centre_and_corners() -> None:
    chosen = points(start("farthest_point"), lattice(11, 2), 5)

    assert chosen[0].tolist() == [0.5, 0.5]
    assert sorted(chosen[1:].tolist()) == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_the_farthest_point_keeps_away_from_what_was_measured_before() -> None:
    x, near_one_end = np.linspace(0, 1, 21)[:, None], np.array([[0.0], [0.1], [0.15]])

    assert points(start("farthest_point"), x, 1, taken=near_one_end).tolist() == [[1.0]]


def test_equal_farthest_points_are_drawn_from() -> None:
    x, centre = lattice(11, 2), np.array([[0.5, 0.5]])

    corners = {tuple(points(start("farthest_point"), x, 1, seed, taken=centre)[0].tolist()) for seed in range(40)}

    assert corners == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_the_first_farthest_point_may_be_random() -> None:
    x = lattice(11, 2)

    first = {tuple(points(start("farthest_point", first="random"), x, 1, seed)[0].tolist()) for seed in range(20)}

    assert len(first) > 10


def test_no_point_of_a_farthest_point_design_is_nearer_to_another_than_a_candidate_left() -> None:
    """That is what maximin, made one by one, means."""
    x = np.random.default_rng(3).random((500, 4))

    chosen = points(start("farthest_point"), x, 12)
    between = np.linalg.norm(chosen[:, None] - chosen[None], axis=2) + 9 * np.eye(12)
    left = np.linalg.norm(x[:, None] - chosen[None], axis=2).min(axis=1)

    assert between.min() >= left.max() - 1e-12


@pytest.mark.parametrize("name", DESIGNS)
def test_a_hundred_thousand_candidates_take_well_under_a_second(name: str) -> None:
    rng = np.random.default_rng(0)
    beginning = Beginning(Rows(rng.random((100_000, 6))), 60, 64, 0, partial(np.copy, rng.random((60, 6))), rng)
    design = start(name)
    design.choose(beginning)  # imports

    began = process_time()
    design.choose(beginning)

    assert process_time() - began < 0.8


LIST = [{"x": 0.5, "phase": "alpha"}, {"x": 2, "phase": "beta"}]


def test_a_list_is_kept_in_its_order_with_its_values_as_they_stand() -> None:
    design = start("list", points=LIST)

    assert isinstance(design, Listed)
    assert [dict(point) for point in design.points] == LIST
    assert isinstance(design.points[1]["x"], int)
    assert design.count(4) == 2


def test_more_points_than_the_list_has_are_chosen_at_random() -> None:
    design = start("list", points=LIST, n=5)
    beginnings = [
        Beginning(Five(), 2, 5, 0, partial(np.zeros, (0, 2)), np.random.default_rng(seed)) for seed in range(40)
    ]

    assert design.count(1) == 5
    assert {design.choose(beginning) for beginning in beginnings} == {0, 1, 2, 3, 4}


def test_a_list_without_points_or_with_fewer_wanted_is_refused() -> None:
    with pytest.raises(ValidationError):
        start("list", points=[])
    with pytest.raises(ValidationError, match="n = 1 must be at least the number of points in the list, 2"):
        start("list", points=LIST, n=1)
