"""Faults on demand, the same for every simulator: what goes wrong, when, and how often. Seeded."""

import random
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

WireKind = Literal["delay", "drop", "garble", "truncate", "echo", "duplicate", "disconnect"]
"""What happens to an answer on its way."""
OwnKind = Literal["wrong_address", "error", "stuck", "stall", "drift"]
"""What happens to the instrument; which of them make sense is the simulator's to say."""


class Fault(BaseModel):
    """One fault. It happens at some of its occasions: answers, for what happens on the way; commands that may be
    refused, motions that may stick, for what happens to the instrument."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: WireKind | OwnKind
    """delay, drop, garble, truncate, echo (the request comes back first), duplicate, disconnect, wrong_address, error
    (refused with an error code of the instrument), stuck (does not move), stall (stops on the way), drift."""
    after: int = Field(default=0, ge=0)
    """So many occasions pass first."""
    times: int | None = Field(default=1, ge=1)
    """At so many occasions it happens; null: for ever."""
    chance: float = Field(default=1.0, gt=0, le=1)
    """How likely it is at each of them."""
    seconds: float = Field(default=1.0, gt=0)
    """How long a delay or a disconnection lasts, lab time."""
    amount: float = 0.0
    """Of a drift, in the instrument's unit for each hour of lab time."""

    @model_validator(mode="after")
    def _drift_has_an_amount(self) -> "Fault":
        if (self.kind == "drift") != (self.amount != 0):
            raise ValueError("amount goes with `kind: drift`, and a drift needs one")
        return self


class Faults(BaseModel):
    """What may go wrong: the base of every simulator's options."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    same_as_driver: ClassVar[tuple[str, ...]] = ()
    """Options that are the driver's where a lab file leaves them out."""
    whole_driver: ClassVar[str] = ""
    """The option that is everything that the lab file says to the driver, where it leaves it out."""

    faults: tuple[Fault, ...] = ()
    """What goes wrong, and when."""


class FaultInjector:
    """Says at each occasion whether a fault happens. Deterministic for a seed."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._faults = faults
        self._random = random.Random(f"faults {seed}")  # noqa: S311 - repeatable, no secret
        self._seen = [0] * len(faults)

    def happens(self, *kinds: str) -> Fault | None:
        """The fault of one of these kinds that happens now; the first of several. Call it once an occasion."""
        return next(iter(self.all(*kinds)), None)

    def all(self, *kinds: str) -> Sequence[Fault]:
        """Every fault of these kinds that happens now, in the order stated."""
        return list(self._now(kinds))

    def drift(self, hours: float) -> float:
        """How far a reading has drifted after so many hours of lab time, in its own unit."""
        return sum(fault.amount for fault in self._faults if fault.kind == "drift") * hours

    def truncated(self, data: bytes) -> bytes:
        """Some first part of an answer, at least one byte less."""
        return data[: self._random.randrange(len(data))] if data else data

    def garbled(self, data: bytes, garbage: bytes, terminator: bytes) -> bytes:
        """As many bytes of `garbage`, with the terminator left where there was one."""
        end = len(terminator) if terminator and data.endswith(terminator) else 0
        body = bytes(self._random.choices(garbage, k=max(1, len(data) - end)))
        return body + terminator if end else body

    def _now(self, kinds: Sequence[str]) -> Iterator[Fault]:
        for index, fault in enumerate(self._faults):
            if fault.kind not in kinds or fault.kind == "drift":
                continue
            seen = self._seen[index]
            self._seen[index] += 1
            due = seen >= fault.after and (fault.times is None or seen < fault.after + fault.times)
            if due and (fault.chance == 1.0 or self._random.random() < fault.chance):
                yield fault
