"""What is done about an experiment that failed. Pure decisions, no state."""

from enum import StrEnum

from motet.errors import Aborted, Action, MotetError
from motet.model.campaign import FailurePolicy


class Decision(StrEnum):
    """What follows a failed attempt."""

    RETRY = "retry"
    FAIL = "fail"
    STOP = "stop"


def decide(error: Exception, attempt: int, policy: FailurePolicy) -> Decision:
    """What to do after attempt number `attempt` (from 1) ended with `error`.

    STOP fails the experiment too, and ends the campaign.
    """
    if isinstance(error, Aborted):
        return Decision.FAIL
    if not isinstance(error, MotetError):
        return Decision(policy.unexpected)
    match error.action:
        case Action.RETRY:
            return Decision.RETRY if attempt <= policy.retry else Decision(policy.then)
        case Action.FAIL:
            return Decision(policy.experiment)
        case Action.STOP | Action.FIX:
            return Decision.STOP


def describe(error: BaseException) -> str:
    """The reason as it is stored and shown: the class of the error, then its message."""
    return f"{type(error).__name__}: {error}"


def is_of_station(error: Exception) -> bool:
    """Whether an error says nothing of the point that was to be measured: no answer, a lost line, an abort."""
    return isinstance(error, Aborted) or (isinstance(error, MotetError) and error.action is Action.RETRY)
