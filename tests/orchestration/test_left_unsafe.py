"""The end of a campaign waits for devices that are not safe, and says in the end what is not."""

from typing import Any

import pytest

from motet.errors import NoReply
from motet.model.campaign import Budget
from motet.model.events import CampaignState, Event, StationChanged
from motet.station import unsafe


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsafe, "AGAIN_S", 0.01)


def cable_out(lab: Any) -> Any:
    """A lab of one experiment whose device is not heard of after it; gives what puts the cable back."""
    lab.budget = Budget(experiments=1)
    out = [True]

    def measured(x: float) -> float:
        async def safe() -> None:
            if out:
                raise NoReply("the cable is out")

        lab.gauges[0].safe = safe
        return x

    lab.measured = measured
    return out.clear


def waits(event: Event) -> bool:
    return isinstance(event, StationChanged) and "waiting for it for 30 s" in event.cause


def test_it_waits_until_they_are(lab: Any) -> None:
    back = cable_out(lab)

    def on_event(event: Event) -> None:
        if waits(event):
            back()

    lab.on_event = on_event

    summary = lab.run()

    assert (summary.state, summary.unsafe) == (CampaignState.FINISHED, ())
    assert any(map(waits, lab.events)), "it says what it waits for"
    assert [row for row in lab.reader.events("test-1") if row.kind == "not safe"] == []


@pytest.mark.parametrize("before", ["finished", "aborted"])
def test_an_abort_ends_the_wait_and_what_is_not_safe_is_said_and_stored(lab: Any, before: str) -> None:
    cable_out(lab)
    if before == "aborted":
        measured = lab.measured

        def aborting(x: float) -> float:
            lab.control.abort("Ctrl-C twice")
            return measured(x)

        lab.measured = aborting

    def on_event(event: Event) -> None:
        if waits(event):
            lab.control.abort("enough")

    lab.on_event = on_event

    summary = lab.run()

    assert [str(one) for one in summary.unsafe] == [
        "cell0-gauge is not known to be in its safe state: the cable is out"
    ]
    (row,) = [row for row in lab.reader.events("test-1") if row.kind == "not safe"]
    assert (row.about, row.text) == ("cell0.gauge", "the cable is out")
    assert summary.state == before, "to end the wait takes nothing back"
    assert lab.reader.campaign("test-1").summary.state == before


def test_who_insists_before_it_waits_does_not_wait_either(lab: Any) -> None:
    cable_out(lab)
    measured = lab.measured

    def aborting(x: float) -> float:
        lab.control.abort("Ctrl-C twice")
        lab.control.abort("Ctrl-C a third time")
        return measured(x)

    lab.measured = aborting

    summary = lab.run()

    assert [one.device for one in summary.unsafe] == ["gauge"]
    assert not any(map(waits, lab.events))
