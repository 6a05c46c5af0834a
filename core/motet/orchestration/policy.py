"""What is done about an experiment that failed. Pure decisions, no state."""

from collections.abc import Sequence
from enum import StrEnum
from typing import cast

from motet.errors import Aborted, Action, EmergencyStop, Interrupted, MotetError
from motet.model.campaign import FailurePolicy

MOST_INTERRUPTED = 10
"""So many tries of a stage may have been cut short by the end of a process before that counts against it."""


class Decision(StrEnum):
    """What follows a failed attempt."""

    RETRY = "retry"
    FAIL = "fail"
    STOP = "stop"
    ASK = "ask"


def decide(error: Exception, attempt: int, policy: FailurePolicy, unrepeatable: Sequence[str] = ()) -> Decision:
    """What to do after attempt number `attempt` (from 1) ended with `error`.

    STOP fails the experiment too, and ends the campaign. `unrepeatable` are the steps that the attempt began and that
    must not be repeated by themselves: with one of them no attempt is repeated, unless a person says so (ASK).
    """
    if isinstance(error, Aborted | EmergencyStop):
        return Decision.FAIL
    if isinstance(error, Interrupted) and attempt <= MOST_INTERRUPTED:
        return Decision(policy.unrepeatable if unrepeatable else policy.interrupted)
    if not isinstance(error, MotetError):
        return Decision(policy.unexpected)
    match error.action:
        case Action.RETRY:
            if attempt > policy.retry:
                return Decision(policy.then)
            return Decision(policy.unrepeatable) if unrepeatable else Decision.RETRY
        case Action.FAIL:
            return Decision(policy.experiment)
        case Action.STOP | Action.FIX:
            return Decision.STOP


def describe(error: BaseException) -> str:
    """The reason as it is stored and shown: the class of the error, then its message."""
    return f"{type(error).__name__}: {error}"


def first_of(error: BaseException) -> BaseException:
    """The first of a group of errors."""
    if isinstance(error, BaseExceptionGroup):
        return first_of(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
    return error


def is_of_station(error: Exception) -> bool:
    """Whether an error says nothing of the point that was to be measured: no answer, a lost line, an abort, an
    emergency stop."""
    return isinstance(error, Aborted | EmergencyStop) or (
        isinstance(error, MotetError) and error.action is Action.RETRY
    )
