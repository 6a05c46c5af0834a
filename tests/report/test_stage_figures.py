"""The timeline of experiments that pass through several stations: stages, and waiting for shared devices."""

from pathlib import Path

from motet.model.events import CampaignState
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.report.material import Material, Wait
from motet.report.timeline import timeline
from motet.store import CampaignRecord, Reader, Stamp, Store
from motet.store.records import LEASE_WAITED


def at(elapsed: float) -> Stamp:
    return Stamp(1_760_000_000.0 + elapsed, elapsed)


async def written(path: Path) -> Material:
    """One experiment that is done, one that failed in its second stage, one that is between its stages."""
    store = await Store.open(path)
    objectives = {"mass": {"goal": "minimize", "unit": "g"}}
    record = CampaignRecord("c", "lab", {}, {}, 0, ("a", "b"), objectives, {}, at(0))
    campaign = await store.new_campaign(record)
    for number, begin in ((1, 0.0), (2, 10.0), (3, 20.0)):
        experiment = Experiment(campaign, number, Suggestion({}, "of the test"))
        store.planned(experiment, at(begin))
        store.running(experiment, "a", 1, at(begin), "make")
        store.staged(experiment, "a", at(begin + 9), "make")
        if number < 3:
            store.running(experiment, "b", 2, at(begin + 9), "measure")
            state = State.DONE if number == 1 else State.FAILED
            store.ended(Outcome(experiment, state, {"mass": 5.0} if number == 1 else {}), "b", at(begin + 19))
    store.happened(campaign, LEASE_WAITED, "b.robot", "2.5 s", {"seconds": 2.5}, at(14.0))
    store.campaign_changed(campaign, CampaignState.FINISHED, "", at(40))
    await store.close()
    reader = Reader(path)
    return Material(reader.campaign("c"), tuple(reader.experiments("c")), tuple(reader.events("c")))


async def test_every_stage_is_a_bar_where_it_was_and_waiting_is_drawn(tmp_path: Path) -> None:
    material = await written(tmp_path / "motet.db")
    assert (material.stages, material.waits) == (("make", "measure"), [Wait("b", "robot", 11.5, 2.5)])
    plot = timeline(material)
    assert plot is not None
    traces = {trace["name"]: trace for trace in plot.figure["data"]}
    drawn = {name: (trace["y"], trace["base"], trace["x"]) for name, trace in traces.items() if name != "scale"}
    assert drawn == {
        "done: make": ([0], [0.0], [9.0]),
        "done: measure": ([1], [9.0], [10.0]),
        "an earlier stage": ([0, 0], [10.0, 20.0], [9.0, 9.0]),
        "failed or tried again": ([1], [19.0], [10.0]),
        "waiting for a shared device": ([1], [11.5], [2.5]),
    }
    assert "pattern" not in traces["done: make"]["marker"]
    (color,) = traces["done: make"]["marker"]["color"]
    marker = traces["done: measure"]["marker"]  # a list of colours below a pattern is refused by plotly.js
    assert (marker["color"], marker["pattern"]["bgcolor"], marker["pattern"]["fillmode"]) == (color, [color], "replace")
    assert "attempt 2 (measure) at b" in traces["done: measure"]["hovertext"][0]
    assert "waited" in plot.caption
