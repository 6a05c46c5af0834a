"""Steps that must not be repeated: each is noted on a disk before it begins, so that it is known after a crash."""

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from motet.devices import Device
from motet.errors import Interrupted
from motet.model.experiment import RunRecord
from motet.model.job import Job
from motet.station.plan import unrepeatable_steps


class Notes(Protocol):
    """Writes down that a job begins one of these steps."""

    async def begins(self, job: Job, step: str) -> None:
        """The step, `device.verb`, is about to begin: on the disk when this returns. Raises StoreError."""
        ...


class Marks(Notes, Protocol):
    """What outlives the process: which of these steps a job has begun."""

    async def begun(self, job: Job) -> Sequence[str]:
        """The steps that a job had begun, each once. Raises StoreError."""
        ...


@contextmanager
def marked(devices: Mapping[str, Device], job: Job, notes: Notes | None) -> Generator[None]:
    """While entered, no verb that must not be repeated begins before it is noted, whoever calls it."""
    if notes is None:
        yield
        return
    never = [(f"{key}.{name}", verb) for key, one in devices.items() for name, verb in one.verbs.items()]
    never = [(label, verb) for label, verb in never if not verb.spec.repeatable]
    for label, verb in never:
        verb.before = partial(notes.begins, job, label)
    try:
        yield
    finally:
        for _, verb in never:
            verb.before = None


async def interrupted(job: Job, station: str, devices: Mapping[str, Device], marks: Marks | None) -> RunRecord:
    """What is known of a job whose process has ended in the middle of it: which of these steps it had begun, or might
    have begun where that was not noted."""
    now = asyncio.get_running_loop().time()
    begun = unrepeatable_steps(job.procedure, devices) if marks is None else tuple(await marks.begun(job))
    words = maybe_begun(begun) if marks is None else had_begun(begun)
    cause = f"{station}: the process that ran experiment {job.experiment.id} ended in the middle of it{words}"
    return RunRecord((), now, now, Interrupted(cause), begun)


def had_begun(steps: Sequence[str]) -> str:
    """`, after it had begun pump.dispense`; empty without any."""
    return f", after it had begun {', '.join(steps)}" if steps else ""


def maybe_begun(steps: Sequence[str]) -> str:
    """`; it may have begun pump.dispense`; empty without any."""
    return f"; it may have begun {', '.join(steps)}" if steps else ""
