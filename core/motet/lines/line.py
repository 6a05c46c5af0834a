"""A line: one instrument's bytes, one exchange at a time, one owner."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
