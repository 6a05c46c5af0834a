"""Jobs and records as they travel."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from motet import errors
from motet.errors import GarbledReply, MotetError, StoreError
from motet.model.experiment import Document, Experiment, RunRecord, Suggestion
from motet.model.job import Job
from motet.model.procedure import Procedure
from motet.remote.messages import JobBody, Text, clean
from motet.store import encode


class UnexpectedError(Exception):
    """What a remote station's driver or plan raised that is no error of Motet's: the class and the message."""


class _ErrorBody(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    type: Text
    message: str


class _RecordBody(BaseModel):
    """What a result says. Documents stay as they are: they are data, and only ever stored and read."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False)
    documents: tuple[tuple[str, dict[str, Any]], ...]
    seconds: float
    error: _ErrorBody | None = None
    unrepeatable: tuple[str, ...] = ()


def body_of(job: Job) -> JobBody:
    """A job as it is sent."""
    experiment, given = job.experiment, job.procedure
    return JobBody(
        campaign=experiment.campaign,
        number=experiment.number,
        attempt=job.attempt,
        stage=job.stage,
        parameters=_plain(experiment.parameters),
        inputs=_plain(job.inputs),
        units=dict(job.units),
        limits=dict(job.limits),
        priority=job.priority,
        procedure=given if isinstance(given, Procedure) else None,
        plugin=None if isinstance(given, Procedure) else given,
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without numpy's scalars, which have no place in JSON."""
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in values.items()}


def job_of(body: JobBody) -> Job:
    """The job that was sent; why its point was suggested stayed behind. Raises GarbledReply for one without a
    procedure, or with two."""
    procedure = body.procedure if body.plugin is None else body.plugin
    if procedure is None or (body.procedure is not None and body.plugin is not None):
        raise GarbledReply("job: either `procedure` or `plugin` is needed")
    suggestion = Suggestion(body.parameters, "sent by an orchestrator")
    experiment = Experiment(body.campaign, body.number, suggestion)
    inputs, units, limits = body.inputs, body.units, body.limits
    return Job(experiment, procedure, body.attempt, body.stage, inputs, units, limits, body.priority)


def text_of(record: RunRecord) -> str:
    """A record as JSON text. Raises StoreError for what has no place in it."""
    error = record.error
    told = None if error is None else {"type": type(error).__name__, "message": str(error)}
    try:
        text = encode.dumps(
            {
                "documents": record.documents,
                "seconds": record.ended - record.started,
                "error": told,
                "unrepeatable": record.unrepeatable,
            }
        )
    except (ValueError, RecursionError) as error:
        raise StoreError(f"cannot be stored as JSON: {error}") from error
    return clean(text)


def record_of(text: str, age_s: float) -> RunRecord:
    """The record that a text tells of, its times on this loop's clock. Raises GarbledReply."""
    try:
        body = _RecordBody.model_validate(encode.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise GarbledReply(f"a result: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
        raise GarbledReply(f"a result that is none: {error}") from None
    ended = asyncio.get_running_loop().time() - max(0.0, age_s)
    documents = tuple(cast("tuple[Document, ...]", body.documents))
    error = None if body.error is None else error_of(body.error.type, body.error.message)
    return RunRecord(documents, ended - max(0.0, body.seconds), ended, error, body.unrepeatable)


_KNOWN: Mapping[str, type[MotetError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, MotetError) and kind is not errors.FileProblems
}


def error_of(kind: str, message: str) -> Exception:
    """The error of that class; UnexpectedError for one that is not of Motet."""
    known = _KNOWN.get(kind)
    return UnexpectedError(f"{kind}: {message}") if known is None else known(message)
