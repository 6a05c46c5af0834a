"""What a learner knows, as JSON: it is rebuilt by replaying what it was told."""

from dataclasses import dataclass
from functools import cache

from pydantic import TypeAdapter

from motet.model.experiment import Outcome, Suggestion


@dataclass(frozen=True, slots=True)
class LearnerState:
    """How many suggestions were handed out, which of them are pending, and every outcome in the order told."""

    asked: int
    pending: tuple[Suggestion, ...]
    outcomes: tuple[Outcome, ...]

    def to_json(self) -> str:
        """The state as text."""
        return _adapter().dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "LearnerState":
        """The state that `to_json` wrote. Raises ValueError when it did not."""
        return _adapter().validate_json(text)


@cache
def _adapter() -> TypeAdapter[LearnerState]:
    return TypeAdapter(LearnerState)
