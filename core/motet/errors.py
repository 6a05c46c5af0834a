"""Every error Motet raises on purpose. The class tells its handler what to do; the message names the thing.

MotetError                       action   what the handler does
├── FileProblems                 fix      show every problem; the user mends the file
├── PluginProblem                fix      name the plugin and its distribution
├── ConnectionProblem            fix      name the device and its line; nothing has moved yet
├── NotFound                     fix      no such campaign, store or name
├── AnswerProblem                fix      tell whoever answered; the question stays as it is
├── Retryable                    retry    the same experiment may be tried again
│   ├── NoReply                           an instrument or node did not answer in time
│   ├── GarbledReply                      it answered something that is not in its protocol
│   ├── LineLost                          the line or the bus went away
│   ├── StationLost                       the station does not answer any more
│   └── Interrupted                       the process that ran it ended before it did
├── ExperimentError              fail     this experiment is failed, the campaign goes on
│   ├── InstrumentError                   the instrument refused, with its own code
│   ├── LimitError                        a value beyond a limit; nothing was sent
│   ├── ProcedureError                    a step could not do what the procedure asks of it
│   └── AnalysisError                     the run holds no usable number
├── CampaignError                stop     the campaign cannot go on
│   ├── LearnerError                      the learner raised or returned a point outside the space
│   ├── StoreError                        what must be durable could not be written
│   ├── SimulationError                   something really waits or reaches out in virtual time
│   └── SafetyError                       something must not move any further
│       └── EmergencyStop                 the lab is latched until a person clears it
└── Aborted                      stop     a person stopped it
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Action(StrEnum):
    """What the handler of an error does about it."""

    FIX = "fix"
    RETRY = "retry"
    FAIL = "fail"
    STOP = "stop"


class MotetError(Exception):
    """Base of all errors raised on purpose."""

    action: ClassVar[Action] = Action.STOP


class PluginProblem(MotetError):
    """A plugin could not be found, loaded or used."""

    action = Action.FIX


class ConnectionProblem(MotetError):
    """A device could not be connected before the campaign started."""

    action = Action.FIX


class NotFound(MotetError):
    """No such campaign, store or name."""

    action = Action.FIX


class AnswerProblem(MotetError):
    """No such question is open, or that is no answer to it."""

    action = Action.FIX


class Retryable(MotetError):
    """The same experiment may succeed when it is tried again."""

    action = Action.RETRY


class NoReply(Retryable):
    """An instrument or node did not answer in time."""


class GarbledReply(Retryable):
    """The answer is not in the instrument's protocol."""


class LineLost(Retryable):
    """The line or the bus went away."""


class StationLost(Retryable):
    """The station that worked on it does not answer any more."""


class Interrupted(Retryable):
    """The process that ran it ended before it did."""


class ExperimentError(MotetError):
    """This experiment is failed; the campaign goes on."""

    action = Action.FAIL


class InstrumentError(ExperimentError):
    """The instrument refused, with its own error code in the message."""


class LimitError(ExperimentError):
    """A value beyond a limit; nothing was sent to the instrument."""


class ProcedureError(ExperimentError):
    """A step could not do what the procedure asks of it."""


class AnalysisError(ExperimentError):
    """The run holds no usable number."""


class CampaignError(MotetError):
    """The campaign cannot go on."""


class LearnerError(CampaignError):
    """The learner raised, or returned a point outside the space."""


class StoreError(CampaignError):
    """What must be durable could not be written."""


class SimulationError(CampaignError):
    """Something really waits, opens a port or waits for ever where time is virtual."""


class SafetyError(CampaignError):
    """Something must not move any further."""


class EmergencyStop(SafetyError):
    """The lab is latched: nothing moves until a person clears it."""


class Aborted(MotetError):
    """A person stopped it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where it is, what was found and what is allowed."""

    file: str
    line: int | None
    key: str
    found: str
    allowed: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f" {self.key}:" if self.key else ""
        return f"{where}:{key} found {self.found}; {self.allowed}"


class FileProblems(MotetError):
    """Every mistake of a lab, campaign, procedure or candidate file, reported at once."""

    action = Action.FIX

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
