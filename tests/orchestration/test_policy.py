"""What is done about a failed attempt, by the class of its error."""

import pytest

from motet.errors import (
    Aborted,
    AnalysisError,
    EmergencyStop,
    InstrumentError,
    LearnerError,
    NoReply,
    SafetyError,
    StoreError,
)
from motet.model.campaign import FailurePolicy
from motet.orchestration.policy import Decision, decide, describe


@pytest.mark.parametrize(
    ("error", "attempt", "policy", "decision"),
    [
        (NoReply("silent"), 1, {"retry": 2}, Decision.RETRY),
        (NoReply("silent"), 2, {"retry": 2}, Decision.RETRY),
        (NoReply("silent"), 3, {"retry": 2}, Decision.FAIL),
        (NoReply("silent"), 1, {"retry": 0, "then": "stop"}, Decision.STOP),
        (InstrumentError("E7"), 1, {"retry": 5}, Decision.FAIL),
        (AnalysisError("NaN"), 1, {"experiment": "stop"}, Decision.STOP),
        (StoreError("disk full"), 1, {}, Decision.STOP),
        (LearnerError("no"), 1, {}, Decision.STOP),
        (SafetyError("smoke"), 1, {}, Decision.STOP),
        (Aborted("enough"), 1, {"retry": 5}, Decision.FAIL),
        (ZeroDivisionError("bug"), 1, {}, Decision.STOP),
        (ZeroDivisionError("bug"), 1, {"unexpected": "fail"}, Decision.FAIL),
    ],
)
def test_the_class_of_the_error_decides(
    error: Exception, attempt: int, policy: dict[str, object], decision: Decision
) -> None:
    assert decide(error, attempt, FailurePolicy.model_validate(policy)) is decision


@pytest.mark.parametrize(
    ("error", "attempt", "policy", "decision"),
    [
        (NoReply("silent"), 1, {"retry": 2}, Decision.FAIL),
        (NoReply("silent"), 1, {"retry": 2, "unrepeatable": "ask"}, Decision.ASK),
        (NoReply("silent"), 3, {"retry": 2, "unrepeatable": "ask", "then": "stop"}, Decision.STOP),
        (InstrumentError("E7"), 1, {"retry": 2, "unrepeatable": "ask"}, Decision.FAIL),
        (EmergencyStop("smoke"), 1, {"retry": 2, "unrepeatable": "ask"}, Decision.FAIL),
    ],
)
def test_what_began_a_step_that_must_not_be_repeated_is_never_tried_again_by_itself(
    error: Exception, attempt: int, policy: dict[str, object], decision: Decision
) -> None:
    found = decide(error, attempt, FailurePolicy.model_validate(policy), ("pump.dispense",))
    assert found is decision


def test_a_reason_begins_with_the_class_of_the_error() -> None:
    assert describe(NoReply("stage did not answer")) == "NoReply: stage did not answer"
