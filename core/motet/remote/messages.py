"""The messages between a station and its orchestrator: JSON objects, each with the version of the protocol.

Whoever receives one validates it with `read`; nothing in it is evaluated.
"""

import json
import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, TypeAdapter, ValidationError

from motet.errors import GarbledReply
from motet.model.events import StationState
from motet.model.procedure import Procedure
from motet.model.questions import Answer, AnswerForm
from motet.model.values import PluginRef

PROTOCOL = 1
"""The version of the protocol that this Motet speaks."""
MOST_BYTES = 262_144
"""The largest message that is sent; longer results come in parts."""

T = TypeVar("T")
Text = Annotated[str, Field(max_length=10_000)]
Id = Annotated[str, Field(min_length=1, max_length=200)]


def _from_words(found: object) -> object:
    match found:
        case {"$float": str(word)}:
            return float(word)
        case _:
            return found


def _to_words(value: object) -> object:
    return {"$float": repr(value)} if isinstance(value, float) and not math.isfinite(value) else value


Scalar = Annotated[
    bool | int | Annotated[float, Field(allow_inf_nan=True)] | str,
    BeforeValidator(_from_words),
    PlainSerializer(_to_words),
]
"""A parameter or an output; NaN and infinities are written `{"$float": "nan"}`."""


class Body(BaseModel):
    """A part of a message: frozen, strict, no unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Sent(Body):
    """Any message."""

    motet: Literal[1] = PROTOCOL
    """The version of the protocol."""

    def payload(self) -> bytes:
        """The message as it is sent."""
        return self.model_dump_json().encode()


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


class JobBody(Body):
    """One attempt at one stage of an experiment, with all that a station has to know of it."""

    campaign: Id
    number: int
    attempt: int
    stage: Text = ""
    parameters: dict[str, Scalar]
    inputs: dict[str, Scalar] = {}
    units: dict[str, str] = {}
    limits: dict[str, tuple[float | str, float | str]] = {}
    procedure: Procedure | None = None
    plugin: PluginRef | None = None
    """Instead of a procedure: a plan of a plugin that the station has too."""


class Request(Sent):
    """Any request. One that comes twice is answered twice and carried out once."""

    id: Id
    orchestrator: Id
    """Who asks; durable: the same after a restart."""
    session: Id
    """The process that asks; another one after a restart."""
    number: int
    """Counts the requests of a session: a late one is known by it."""


class Describe(Request):
    """Send the manifest and the state again."""

    do: Literal["describe"] = "describe"
    rival: ProcessBody | None = None
    """Another program that wants to host a station of that name, and asks whether there is one."""


class Hold(Request):
    """Be mine, for the next `lease_s` seconds. Sent again long before they are over."""

    do: Literal["hold"] = "hold"
    campaign: Text
    lease_s: float = Field(gt=0, le=86_400)
    paused: dict[Text, Text] = {}
    """Who wants it to wait before the next step, with why."""
    stopping: Text = ""
    """Why the station shall stop after the experiment that runs; empty when it shall not."""


class Release(Request):
    """Be free again."""

    do: Literal["release"] = "release"


class Run(Request):
    """Run a job. Its id is the idempotency key: with one orchestrator it runs once, ever."""

    do: Literal["run"] = "run"
    job: JobBody


class Recall(Request):
    """What became of a job?"""

    do: Literal["recall"] = "recall"
    job: Id


class Acknowledge(Request):
    """The result is kept elsewhere now; the station may forget it."""

    do: Literal["acknowledge"] = "acknowledge"
    job: Id


class Drop(Request):
    """Nobody wants this job any more: never begin it, abort it where it runs, forget its result."""

    do: Literal["drop"] = "drop"
    job: Id


class Abort(Request):
    """Abort a job, if it is the one that runs."""

    do: Literal["abort"] = "abort"
    job: Id
    reason: Text


class Safe(Request):
    """Bring every device to its safe state."""

    do: Literal["safe"] = "safe"


class EmergencyStop(Request):
    """Stop everything at once; nothing moves until `clear`. Beside the lab's own topic, `motet/LAB/estop`."""

    do: Literal["estop"] = "estop"
    reason: Text


class Clear(Request):
    """A person has cleared the emergency stop."""

    do: Literal["clear"] = "clear"


class ReadSignal(Request):
    """Read one signal of one device."""

    do: Literal["read"] = "read"
    signal: Text
    """`device.signal`."""


class AnswerQuestion(Request):
    """A person's answer to a question of a step."""

    do: Literal["answer"] = "answer"
    question: int
    process: Id
    answer: Answer | None = None
    """None: nobody can answer it, as `reason` says."""
    reason: Text = ""


AnyRequest = Annotated[
    Describe
    | Hold
    | Release
    | Run
    | Recall
    | Acknowledge
    | Drop
    | Abort
    | Safe
    | EmergencyStop
    | Clear
    | ReadSignal
    | AnswerQuestion,
    Field(discriminator="do"),
]


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
    events: tuple[AnyEvent, ...]


REQUEST: TypeAdapter[Any] = TypeAdapter(AnyRequest)
"""Reads any request."""


def read(payload: bytes, model: "type[T] | TypeAdapter[T]", most: int = 4 * MOST_BYTES) -> T:
    """A message as it came. Raises GarbledReply that says what is wrong with it: too long, no JSON, another version of
    the protocol, or not of that form."""
    if len(payload) > most:
        raise GarbledReply(f"a message of {len(payload)} bytes; at most {most} are read")
    try:
        if isinstance(model, TypeAdapter):
            return model.validate_json(payload)
        return cast("T", cast("type[BaseModel]", model).model_validate_json(payload))
    except ValidationError as error:
        version = peek(payload).get("motet")
        if version is not None and version != PROTOCOL:
            raise GarbledReply(f"it speaks version {version!r} of the protocol, this Motet {PROTOCOL}") from None
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "message"
        raise GarbledReply(f"{where}: {first['msg']} ({len(payload)} bytes)") from None


def peek(payload: bytes) -> Mapping[str, Any]:
    """The JSON object in a message that may be anything; empty when it is none."""
    try:
        found: object = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}
