"""What a station tells: what it is, what it does, what it answers, and what it has measured."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from motet.model.events import StationState
from motet.model.questions import AnswerForm
from motet.remote.messages.base import MOST_BYTES, Body, Id, Scalar, Sent, Text


class ArgumentBody(Body):
    """One argument of a verb, as a JSON schema; `unit` beside it."""

    json_schema: dict[str, Any]
    """Type, and the tightest limits that hold at the station: `minimum`, `maximum`."""
    unit: str = ""
    required: bool = True


class OutputBody(Body):
    """One value that a verb or a reading gives."""

    type: str
    unit: str = ""


class VerbBody(Body):
    """One thing that a device can be told to do."""

    doc: str
    arguments: dict[str, ArgumentBody]
    outputs: dict[str, OutputBody]
    repeatable: bool
    """Whether it may be done twice by itself; a dispense may not."""


class DeviceBody(Body):
    """One instrument of a station."""

    driver: str
    verbs: dict[str, VerbBody]
    signals: dict[str, OutputBody]


class ProcessBody(Body):
    """The program that hosts a station."""

    process: Id
    """Drawn at random at each start."""
    host: Text
    """The name of the computer."""
    pid: int
    started: float
    """Seconds since 1970."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


class Manifest(Sent):
    """What a station is: retained at `manifest`, and sent again when somebody asks for it."""

    lab: Id
    station: Id
    where: ProcessBody
    version: str
    """Of Motet."""
    plugins: dict[str, str]
    """The distributions that brought plugins, with their versions."""
    digest: str
    """SHA-256 of `part`."""
    part: dict[str, Any]
    """What the station's lab file says of it."""
    devices: dict[str, DeviceBody]
    most_bytes: int = MOST_BYTES
    """The largest message that it reads."""
    heartbeat_s: float
    """How often its state comes."""


class HolderBody(Body):
    """Who holds a station."""

    orchestrator: Id
    campaign: Text
    since: float
    """Seconds since 1970."""
    until: float
    """When the hold ends unless it is renewed, seconds since 1970."""


class StateMessage(Sent):
    """What a station is doing: retained at `state`, again every few seconds. Its last will says `offline`."""

    station: Id
    process: Id
    state: StationState
    cause: Text = ""
    job: Id | None = None
    """The job that runs."""
    holder: HolderBody | None = None


class Said(StrEnum):
    """What a station replies to a request."""

    DONE = "done"
    ACCEPTED = "accepted"
    """The job runs now."""
    ENDED = "ended"
    """It has; its result comes at `result`."""
    SETTLED = "settled"
    """It has ended and was acknowledged or dropped; its result is not kept any more."""
    UNKNOWN = "unknown"
    """It never began here."""
    BUSY = "busy"
    """Another job runs; ask again later."""
    REFUSED = "refused"


class Reply(Sent):
    """A station's answer to a request, at `reply`."""

    id: Id
    """Of the request; empty when it could not be read."""
    to: Id
    said: Said
    reason: Text = ""
    error: str = ""
    """The class of the error that `reason` tells of."""
    holder: HolderBody | None = None
    value: Scalar | None = None
    """Of the signal that was asked for."""


class ResultPart(Sent):
    """A result or a part of one, at `result`; again and again until it is acknowledged."""

    to: Id
    """The orchestrator whose job it was."""
    job: Id
    part: int = Field(ge=1)
    parts: int = Field(ge=1, le=100_000)
    age_s: float
    """How long ago it ended."""
    record: str
    """JSON text, or the part of it: `documents` (name and document, with `{"$array": [...], "dtype": "float64"}` for
    arrays and `{"$float": "nan"}` for what JSON has no word for), `seconds`, `error` (`type`, `message`) and
    `unrepeatable`."""


class StateEvent(Body):
    """The station's state changed."""

    kind: Literal["state"] = "state"
    state: StationState
    cause: Text = ""


class StepEvent(Body):
    """A step began."""

    kind: Literal["step"] = "step"
    step: Text


class QuestionEvent(Body):
    """A step asks a person; again until it is answered or withdrawn."""

    kind: Literal["question"] = "question"
    number: int
    """Unique in the station's process."""
    device: Id
    text: Text
    form: AnswerForm
    within: Text = ""


class WithdrawnEvent(Body):
    """Nobody has to answer that question any more."""

    kind: Literal["withdrawn"] = "withdrawn"
    number: int
    reason: Text = ""


class ProblemEvent(Body):
    """Something is wrong that no request was the cause of."""

    kind: Literal["problem"] = "problem"
    text: Text


AnyEvent = Annotated[
    StateEvent | StepEvent | QuestionEvent | WithdrawnEvent | ProblemEvent, Field(discriminator="kind")
]


class Events(Sent):
    """What happened at a station since the last one, at `event`."""

    process: Id
    number: int
    """Counts the messages of a process."""
    events: tuple[AnyEvent, ...]
