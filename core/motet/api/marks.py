"""The steps that a station of the campaign's own process begins and that must not be repeated, in the store."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.model.job import Job
from motet.store import Reader, Stamp, Store
from motet.store.records import STEP_BEGUN


@dataclass(frozen=True)
class StoreMarks:
    """`motet.station.marks.Marks` for local stations; `stamp` gives the campaign's time."""

    store: Store
    path: Path
    stamp: Callable[[str], Stamp]

    async def begins(self, job: Job, step: str) -> None:
        """The step is about to begin: noted when this returns. Raises StoreError."""
        campaign = job.experiment.campaign
        noted = self.store.happened(campaign, STEP_BEGUN, step, "", {"job": job.id}, self.stamp(campaign))
        await asyncio.shield(
            asyncio.ensure_future(noted)
        )  # written all the same, when the step is stopped before it began

    async def begun(self, job: Job) -> Sequence[str]:
        """The steps that a job had begun, each once. Raises StoreError."""
        rows = await asyncio.to_thread(Reader(self.path).events, job.experiment.campaign)
        own = (row.about for row in rows if row.kind == STEP_BEGUN and row.data.get("job") == job.id)
        return tuple(dict.fromkeys(own))
