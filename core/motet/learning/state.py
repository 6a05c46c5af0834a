"""What a learner knows, as JSON: it is rebuilt by replaying what it was told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass
class Heard:
    """What a learner has heard and handed out, kept beside it, so that another one can have its place at any time."""

    asked: int = 0
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    pending: dict[str, Suggestion] = field(default_factory=dict[str, Suggestion])

    @classmethod
    def of(cls, state: LearnerState) -> "Heard":
        """That of a learner with this state."""
        return cls(state.asked, list(state.outcomes), {one.id: one for one in state.pending})

    def tell(self, outcome: Outcome) -> None:
        """How an experiment ended."""
        self.outcomes.append(outcome)
        self.pending.pop(answered(self.pending, outcome.experiment.suggestion), None)

    def hold(self, suggestion: Suggestion) -> None:
        """A point is being measured."""
        self.pending[suggestion.id] = suggestion

    def release(self, suggestion: str) -> None:
        """Nobody measures it."""
        del self.pending[suggestion]

    def ask(self, suggestion: Suggestion) -> None:
        """The learner has handed it out: it is numbered."""
        self.asked = int(suggestion.id)
        self.hold(suggestion)

    def state(self) -> LearnerState:
        """What another learner replays."""
        return LearnerState(self.asked, tuple(self.pending.values()), tuple(self.outcomes))


def answered(pending: Mapping[str, Suggestion], suggestion: Suggestion) -> str:
    """The id of the pending suggestion that an outcome of `suggestion` answers: its own, or else one of the same point,
    such as a result that was measured by hand meanwhile; empty for none."""
    if suggestion.id in pending:
        return suggestion.id
    return next((one.id for one in pending.values() if one.parameters == suggestion.parameters), "")


@cache
def _adapter() -> TypeAdapter[LearnerState]:
    return TypeAdapter(LearnerState)
