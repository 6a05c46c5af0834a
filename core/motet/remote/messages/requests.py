"""What an orchestrator asks of a station."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from motet.model.procedure import Procedure
from motet.model.questions import Answer
from motet.model.values import PluginRef
from motet.remote.messages.base import Body, Id, Scalar, Sent, Text
from motet.remote.messages.told import ProcessBody


class JobBody(Body):
    """One attempt at one stage of an experiment, with all that a station has to know of it."""

    campaign: Id
    number: int
    attempt: int
    stage: Text = ""
    parameters: dict[str, Scalar]
    inputs: dict[str, Scalar] = Field(default_factory=dict[str, Scalar])
    units: dict[str, str] = Field(default_factory=dict[str, str])
    limits: dict[str, tuple[float | str, float | str]] = Field(
        default_factory=dict[str, tuple[float | str, float | str]]
    )
    priority: int = 0
    """Of its campaign: before which others it gets devices that stations share."""
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
    refused: Text = ""
    """Why whoever asks cannot use the station as it is."""


class Hold(Request):
    """Be mine, for the next `lease_s` seconds. Sent again long before they are over."""

    do: Literal["hold"] = "hold"
    campaign: Text
    lease_s: float = Field(gt=0, le=86_400)
    paused: dict[Text, Text] = Field(default_factory=dict[str, str])
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
    acknowledged: tuple[Id, ...] = Field(default=(), max_length=1000)
    """Jobs whose results are kept elsewhere now, as `acknowledge` says of one."""


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


REQUEST: TypeAdapter[Any] = TypeAdapter(AnyRequest)
"""Reads any request."""
