"""The arithmetic, against cases computed by hand or known from the literature."""

import math

import numpy as np
import pytest

from motet.study.statistics import (
    NO_SPREAD,
    Spread,
    fewest_pairs,
    holm,
    kaplan_meier,
    kaplan_meier_spread,
    median_interval,
    quartiles,
    wilcoxon,
)

# Weeks of remission with 6-mercaptopurine (Freireich et al., Blood 21 (1963) 699); negative ones are censored.
REMISSION = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]


def test_kaplan_meier_of_the_remission_data() -> None:
    steps = kaplan_meier([abs(week) for week in REMISSION], [week > 0 for week in REMISSION])
    assert [time for time, _ in steps] == [6, 7, 10, 13, 16, 22, 23]
    shares = [share for _, share in steps]
    assert shares == pytest.approx([0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=5e-4)
    spread = kaplan_meier_spread([abs(week) for week in REMISSION], [week > 0 for week in REMISSION])
    assert spread == Spread(23, 13, None)


def test_kaplan_meier_by_hand() -> None:
    """Of 4, one gets there at 1 (3/4 left), one is censored at 2, one gets there at 3 (3/4 x 1/2), one never."""
    assert kaplan_meier([3, 1, 2, 4], [True, True, False, False]) == [(1, 0.75), (3, 0.375)]
    assert kaplan_meier_spread([3, 1, 2, 4], [True, True, False, False]) == Spread(3, 1, None)


def test_kaplan_meier_without_censoring_is_the_share_left() -> None:
    assert kaplan_meier_spread([40, 10, 20, 30], [True] * 4) == Spread(20, 10, 30)
    assert kaplan_meier_spread([5.0] * 10, [True] * 10) == Spread(5.0, 5.0, 5.0)


def test_nobody_there_has_no_median() -> None:
    assert kaplan_meier_spread([10, 20, 30], [False] * 3) == NO_SPREAD
    assert kaplan_meier_spread([], []) == NO_SPREAD


def test_quartiles_interpolate_and_know_nothing_of_infinity() -> None:
    assert quartiles([4, 1, 3, 2]) == Spread(2.5, 1.75, 3.25)
    assert quartiles([-math.inf, 1, 2, 3, 4]) == Spread(2, 1, 3)
    assert quartiles([-math.inf, -math.inf, -math.inf, 1, 2]) == Spread(None, None, 1)
    assert quartiles([]) == NO_SPREAD


def test_wilcoxon_of_darwins_maize() -> None:
    """Differences of 15 pairs of cross- and self-fertilized plants (Fisher, The Design of Experiments, 1935): the ranks
    of the negative ones sum to 24, of 2^15 sign patterns 1352 are as extreme."""
    maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    assert wilcoxon(np.array(maize, float)) == pytest.approx(1352 / 2**15)


def test_wilcoxon_leaves_out_ties_and_ranks_infinity_highest() -> None:
    assert wilcoxon(np.array([1.0, 2, 3, 4, 5, 6])) == 2 / 2**6
    assert wilcoxon(np.array([0.0, 1, 2, 3, 4, 5, 6])) == 2 / 2**6
    assert wilcoxon(np.array([1.0, 2, 3, 4, math.inf, math.inf])) == 2 / 2**6
    assert wilcoxon(np.array([1.0, 2, 3, 4, 5, -math.inf])) == wilcoxon(np.array([1.0, 2, 3, 4, 5, -6]))
    assert wilcoxon(np.zeros(8)) == 1.0


def test_rounding_does_not_part_ties() -> None:
    ratios = np.log(np.array([11.0, 22, 33, 44, 55, 66, 77])) - np.log(np.array([10.0, 20, 30, 40, 50, 60, 70]))
    assert len(set(ratios.tolist())) > 1
    mixed = np.concatenate([ratios, [-0.05, 0.2]])
    assert wilcoxon(mixed) == wilcoxon(np.array([2.0] * 7 + [-1.0, 3.0]))


def test_holm_by_hand() -> None:
    """4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04 no less than the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


@pytest.mark.parametrize(("comparisons", "pairs"), [(0, 6), (1, 6), (2, 7), (11, 9), (29, 11)])
def test_so_many_pairs_are_needed(comparisons: int, pairs: int) -> None:
    assert fewest_pairs(comparisons, 0.05) == pairs
    assert 2 ** (1 - pairs) * max(comparisons, 1) < 0.05 < 2 ** (2 - pairs) * max(comparisons, 1)


def test_the_bootstrap_interval_is_the_same_every_time_and_covers() -> None:
    """The median of 25 normal numbers has a standard error of about 1.25 / 5; the truth is covered mostly."""
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(100):
        sample = rng.normal(1.0, 1.0, 25)
        middle, low, high = median_interval(sample)
        assert low <= middle <= high
        assert median_interval(sample) == (middle, low, high)
        covered += low <= 1.0 <= high
    assert 88 <= covered <= 100


def test_the_interval_of_infinite_differences() -> None:
    assert median_interval(np.full(8, 0.5)) == (0.5, 0.5, 0.5)
    assert median_interval(np.full(8, math.inf)) == (math.inf, math.inf, math.inf)
    assert median_interval(np.array([-math.inf, math.inf]))[0] == 0.0
    assert median_interval(np.array([0.0] * 5 + [math.inf] * 4))[2] == math.inf
