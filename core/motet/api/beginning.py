"""How a campaign begins: anew, or where an earlier process left it."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from motet.api.results import store_path
from motet.api.setting import Setting
from motet.errors import FileProblems, NotFound, Problem
from motet.files.campaign import CampaignFile
from motet.model.events import ENDS, CampaignState
from motet.model.experiment import Outcome, State
from motet.model.values import Point
from motet.orchestration.resume import Before, read
from motet.orchestration.work import Stage
from motet.stamps import wall
from motet.store import Reader, Stamp, Store

END = frozenset({CampaignState.FINISHED})
"""The end after which nothing can be gone on with."""

BEGAN = "began"
"""The kind of event that keeps what a campaign is about."""


async def begun_before(file: CampaignFile, setting: Setting, store: Store, resume: bool | None) -> Before | None:
    """What an earlier process left of a campaign, None where it begins anew.

    `resume` is None by default: the newest campaign of the name goes on if it was not ended. True: it goes on also when
    it was stopped, aborted or failed. False: what was not ended is given up. Nobody else runs it, as a store has one
    writer. Raises NotFound, and FileProblems when the files do not say any more what it is about.
    """
    if setting.virtual or setting.data is None:
        return None
    stages = [Stage(stage.name, stage.procedure, stage.stations) for stage in file.stages]
    reader = Reader(store_path(setting.data))
    name, lab = file.campaign.campaign, file.lab.lab
    if resume is False:
        while (found := await asyncio.to_thread(reader.unfinished, name, lab)) is not None:
            await _give_up(await asyncio.to_thread(read, reader, found.summary.id, stages, file.stations), store)
        return None
    newest = await asyncio.to_thread(reader.newest, name, lab)
    if newest is None or newest.summary.state in (END if resume else ENDS):
        if resume:
            why = "there is none" if newest is None else f"{newest.summary.id} has {newest.summary.state}"
            raise NotFound(f"no campaign {name!r} of the lab {lab!r} to go on with: {why}")
        return None
    campaign = newest.summary.id
    await asyncio.to_thread(_check, file, reader, campaign)
    before = await asyncio.to_thread(read, reader, campaign, stages, file.stations)
    await store.resumed(campaign, Stamp(wall(), before.elapsed_s))
    return before


def about(file: CampaignFile) -> dict[str, Any]:
    """What decides what a campaign measures and what is next, as plain values: it may not change before it goes on.

    Budget, stop rules, failure policy, priority, and the lab's lines and limits may.
    """
    config = file.campaign
    plain = config.model_dump(
        mode="json",
        include={"parameters", "constraints", "objectives", "outcome_constraints", "analysis", "learner", "seed"},
    )
    candidates = file.space.candidates
    learner = {key: value for key, value in plain["learner"].items() if key not in ("on_error", "longest")}
    return plain | {
        "learner": learner,
        "candidates": digest(candidates) if candidates else None,
        "stages": [{"stage": one.name, "procedure": one.procedure.model_dump(mode="json")} for one in file.stages],
    }


def digest(candidates: Sequence[Point]) -> str:
    """Tells one table of candidates from another."""
    return hashlib.sha256(json.dumps([dict(row) for row in candidates], sort_keys=True).encode()).hexdigest()


def _check(file: CampaignFile, reader: Reader, campaign: str) -> None:
    began = [event.data for event in reader.events(campaign) if event.kind == BEGAN]
    if not began:
        return
    now = json.loads(json.dumps(about(file)))
    allowed = f"the campaign {campaign} began with another one: undo the change, or begin anew with --new"
    changed = [key for key in now if now[key] != began[0].get(key)]
    if changed:
        raise FileProblems([Problem(str(file.path), None, key, "a change", allowed) for key in changed])


async def _give_up(before: Before, store: Store) -> None:
    at, reason = Stamp(wall(), before.elapsed_s), "given up: it was begun anew"
    await store.resumed(before.campaign, at)  # what its last process asked is withdrawn
    for work in before.unfinished:
        outcome = Outcome(work.experiment, State.FAILED, reason=reason, lost=True)
        await store.ended(outcome, before.stations.get(work.experiment.id, ""), at)
    await store.campaign_changed(before.campaign, CampaignState.ABORTED, reason, at)
