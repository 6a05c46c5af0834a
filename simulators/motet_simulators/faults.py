"""Faults on demand, the same for every simulator: silence, garbage, a refusal."""

import random

from pydantic import BaseModel, ConfigDict, Field


class Faults(BaseModel):
    """What may go wrong; the base of every simulator's options.

    Counts are of answers, or of commands that may be refused, since the simulator was made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    mute: bool = False
    """Never answer."""
    mute_after: int | None = Field(default=None, ge=0)
    """Never answer again after so many answers."""
    garble: bool = False
    """Answer with bytes that are not in the protocol."""
    garble_after: int | None = Field(default=None, ge=0)
    """Garbage instead of every answer after so many."""
    error_after: int | None = Field(default=None, ge=0)
    """Refuse what the instrument is told to do after so many times that it did it."""
    error_times: int = Field(default=1, ge=1)
    """How often it refuses before it works again."""


class FaultInjector:
    """Decides, answer by answer, what becomes of it. Deterministic for a seed."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self._faults = faults
        self._random = random.Random(seed)  # noqa: S311 - garbage for tests, no secret
        self._answers = 0
        self._done = 0

    def silent(self) -> bool:
        """Whether this answer is left out. Call it once an answer."""
        self._answers += 1
        after = self._faults.mute_after
        return self._faults.mute or (after is not None and self._answers > after)

    def garbled(self) -> bool:
        """Whether the answer counted last is replaced by garbage."""
        after = self._faults.garble_after
        return self._faults.garble or (after is not None and self._answers > after)

    def garbage(self, length: int, without: bytes) -> bytes:
        """So many random bytes, none of them in `without` (the protocol's own delimiters)."""
        allowed = bytes(value for value in range(1, 256) if value not in without)
        return bytes(self._random.choices(allowed, k=length))

    def refused(self) -> bool:
        """Whether this command is refused. Call it once for each command that may be."""
        self._done += 1
        after = self._faults.error_after
        return after is not None and after < self._done <= after + self._faults.error_times
