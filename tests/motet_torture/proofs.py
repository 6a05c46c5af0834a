"""Proofs: a fault that is injected for real, what was measured, and the bar that it has to meet."""

import random
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

BUSY = 10.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure beside its bar."""

    what: str
    figure: str
    bar: str
    met: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """How a proof is run: in a folder of its own, in full or in the short form, from a seed."""

    folder: Path
    short: bool
    seed: int

    def of(self, full: int, short: int) -> int:
        """How often, in this form."""
        return short if self.short else full

    @property
    def slack(self) -> float:
        """By which bars of real time are multiplied: the short form runs beside other tests on a busy machine."""
        return BUSY if self.short else 1.0

    def random(self, what: str) -> random.Random:
        """Random numbers of its own for each purpose."""
        return random.Random(f"{self.seed} {what}")


class Beside(IntEnum):
    """What may run beside a proof without touching its bars, the most sensitive first."""

    NOTHING = 0
    """Its bars are of milliseconds."""
    CALM = 1
    """Its bars are of seconds, and it mostly waits itself: others like it may."""
    ANYTHING = 2
    """It counts, and has no bars of time, or wide ones."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A row of the table. `prove` raises what keeps it from being measured at all, which is a miss too.

    `longest_s` is the most that it may take in full.
    """

    name: str
    fault: str
    prove: Callable[[Trial], Awaitable[Sequence[Measured]]]
    longest_s: float = 1500.0
    beside: Beside = Beside.ANYTHING


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one proof, and how long it took, seconds."""

    proof: str
    fault: str
    seconds: float
    measured: Sequence[Measured]

    @property
    def met(self) -> bool:
        """Whether every bar is met."""
        return all(one.met for one in self.measured)


def count(what: str, figure: int, wanted: int = 0) -> Measured:
    """So many, as many are wanted."""
    return Measured(what, f"{figure}", f"{wanted}", figure == wanted)


def holds(what: str, whether: bool, otherwise: str = "no") -> Measured:
    """Something is so."""
    return Measured(what, "yes" if whether else otherwise, "yes", whether)


def at_most(what: str, figure: float, most: float, unit: str) -> Measured:
    """A figure that may not be larger."""
    return Measured(what, f"{figure:.3g} {unit}", f"<= {most:g} {unit}", figure <= most)


def at_least(what: str, figure: float, least: float, unit: str = "") -> Measured:
    """A figure that may not be smaller."""
    return Measured(what, f"{figure:.4g} {unit}".rstrip(), f">= {least:g} {unit}".rstrip(), figure >= least)


def told(what: str, figure: str) -> Measured:
    """A figure without a bar: what was done."""
    return Measured(what, figure, "", True)


def median(figures: Sequence[float]) -> float:
    """The median; not a number when there is none."""
    return statistics.median(figures) if figures else float("nan")
