"""Campaigns with several objectives, constraints on outcomes or classes, as they come back from the store."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.objective import OutcomeConstraint
from motet.model.standing import Wanted
from motet.orchestration.so_far import SoFar
from motet.store import CampaignRecord, Reader, Stamp, Store
from motet.store.schema import MIGRATIONS

TWO: dict[str, dict[str, Any]] = {"a": {"goal": "maximize"}, "b": {"goal": "minimize"}}
MEASURED: list[dict[str, float] | None] = [
    {"b": 1.0, "p": 0.0},
    {"a": 5.0, "b": 5.0, "p": 0.0},
    None,
    {"a": 9.0, "b": 1.0, "p": 7.0},
    {"a": 6.0, "b": 6.0, "p": 0.0},
    {"a": 4.0, "b": 6.0, "p": 0.0},
]


def outcomes(campaign: str, measured: Sequence[Mapping[str, float] | None]) -> list[Outcome]:
    found: list[Outcome] = []
    for number, values in enumerate(measured, 1):
        notes = {"probability of the top": 0.25} if number == 2 else {}
        problem = "the fit failed" if number == 4 else ""
        suggestion = Suggestion({"x": float(number)}, "why", id=str(number), problem=problem, notes=notes)
        experiment = Experiment(campaign, number, suggestion)
        failed = Outcome(experiment, State.FAILED, reason="refused")
        found.append(failed if values is None else Outcome(experiment, State.DONE, values))
    return found


def so_far(wanted: Wanted, ended: Sequence[Outcome]) -> SoFar:
    """What the campaign itself knows when these have ended."""
    found = SoFar(wanted)
    for outcome in ended:
        found.add(outcome)
    return found


async def put(store: Store, record: CampaignRecord, measured: Sequence[Mapping[str, float] | None]) -> str:
    campaign = await store.new_campaign(record)
    now = Stamp(0.0, 0.0)
    for outcome in outcomes(campaign, measured):
        store.planned(outcome.experiment, now)
        store.running(outcome.experiment, "s1", 1, now)
        await store.ended(outcome, "s1", now)
    return campaign


async def test_best_and_front_honour_the_constraints_and_missing_values(
    store: Store, path: Path, record: CampaignRecord
) -> None:
    constraints = {"p": OutcomeConstraint(at_most=5.0)}
    stored = {name: one.model_dump() for name, one in constraints.items()}
    campaign = await put(store, replace(record, objectives=TWO, constraints=stored), MEASURED)
    detail = Reader(path).campaign(campaign)
    assert detail.constraints == constraints
    assert detail.summary.best is not None
    assert (detail.summary.best.number, detail.summary.best.value) == (5, 6.0)
    assert detail.summary.front == (5, 2)

    at_the_end = outcomes(campaign, MEASURED)
    known = so_far(Wanted(detail.objectives, constraints), at_the_end)
    assert known.best is not None
    assert known.best.experiment == detail.summary.best.experiment
    assert [one.experiment for one in known.front] == [f"{campaign}/2", f"{campaign}/5"]
    free = so_far(Wanted(detail.objectives), at_the_end).best
    assert free is not None
    assert free.experiment == f"{campaign}/4"


async def test_with_one_objective_there_is_no_front(store: Store, path: Path, record: CampaignRecord) -> None:
    campaign = await put(store, record, [{"current": 1.0}, {"current": 2.0}])
    assert Reader(path).campaign(campaign).summary.front == ()
    wanted = Wanted(Reader(path).campaign(campaign).objectives)
    assert so_far(wanted, outcomes(campaign, [{"current": 1.0}])).front == ()


async def test_classes_are_counted(store: Store, path: Path, record: CampaignRecord) -> None:
    phase = {"phase": {"goal": "classify", "classes": ["FCC", "BCC", "HCP"]}}
    campaign = await put(
        store, replace(record, objectives=phase), [{"phase": 1.0}, None, {"phase": 0.0}, {"phase": 1.0}]
    )
    summary = Reader(path).campaign(campaign).summary
    assert (summary.best, summary.counts) == (None, {"FCC": 1, "BCC": 2, "HCP": 0})
    rows = list(Reader(path).export_rows(campaign))
    assert [row["phase.class"] for row in rows] == ["BCC", None, "FCC", "BCC"]
    assert [row["phase"] for row in rows] == [1.0, None, 0.0, 1.0]


async def test_exports_gain_columns_behind_those_that_every_campaign_has(
    store: Store, path: Path, record: CampaignRecord
) -> None:
    constraints = {"p": {"at_most": 5.0}}
    campaign = await put(store, replace(record, objectives=TWO, constraints=constraints), MEASURED)
    rows = list(Reader(path).export_rows(campaign))
    assert ",".join(rows[0]) == (
        "number,id,state,station,attempts,started_s,ended_s,x,a,b,p,score,mean,std,why,reason,"
        "constraints.broken,suggestion.id,suggestion.problem,suggestion.note.probability of the top"
    )
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    assert [row["a"] for row in rows] == [None, 5.0, None, 9.0, 6.0, 4.0]
    assert [row["constraints.broken"] for row in rows] == ["", "", "", "p", "", ""]
    assert [row["suggestion.id"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert [row["suggestion.problem"] for row in rows] == ["", "", "", "the fit failed", "", ""]
    assert [row["suggestion.note.probability of the top"] for row in rows] == [None, 0.25, None, None, None, None]


async def test_a_campaign_of_an_older_store_has_no_constraints(path: Path, record: CampaignRecord) -> None:
    from sqlite_utils import Database

    path.parent.mkdir()
    connection = sqlite3.connect(path)
    db = Database(connection, recursive_triggers=False, execute_plugins=False)
    with db.atomic():
        MIGRATIONS[0](db)
        connection.execute("PRAGMA application_id = 0x4D4F5445")
        connection.execute("PRAGMA user_version = 1")
        db.table("campaigns").insert(
            {
                "id": "scan-1",
                "name": "scan",
                "serial": 1,
                "lab": "twin",
                "seed": 0,
                "stations": "[]",
                "state": "finished",
            }
            | {"objectives": '{"a": {"goal": "maximize"}}', "parameters": "{}", "reason": "", "wall": 0.0}
        )
    connection.close()
    store = await Store.open(path)
    await store.close()
    assert Reader(path).campaign("scan").constraints == {}
