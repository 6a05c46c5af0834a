"""What a benchmark lets one choose by a word."""

from typing import Literal

Repeats = Literal["unique", "mean", "median", "best"]
"""What rows of equal parameters come to: the mean of their distinct values, the mean or the median of all of them, or
the best."""

Durations = Literal["equal", "lognormal"]
"""How long experiments last: all the same, or drawn from a lognormal distribution."""
