"""`motet clear` and `motet resume` while a lab session ends, or while its stations are still stopping."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from motet.api import estop as api
from motet.api.run import Options, load
from motet.api.session import Session
from motet.api.setting import Setting
from motet.errors import EmergencyStop, MotetError
from motet.model.events import CampaignState, Event, ExperimentStarted, StationChanged
from motet.orchestration import Summary
from motet.plugins import installed
from motet.station.engine import LabLoop
from motet_testing.campaigns import BRANIN

LAB = """
lab: bench
broker: none
hardware: simulated
simulation: { time_scale: 400, lines: memory, seed: 1 }
stations:
  s1:
    devices:
      function:
        driver: benchmark_function
        line: /dev/null
        limits: { x1: [-5, 10], x2: [0, 15] }
        simulator: { function: branin, prepare: 5, duration: 200, clean: 5 }
procedures:
  measure:
    parameters: { x1: null, x2: null }
    steps: [function.prepare, { function.measure: { x1: $x1, x2: $x2 } }]
"""


class Played:
    """A campaign whose lab is e-stopped in its first experiment; more happens at the first sight of some states."""

    def __init__(self, folder: Path, **on: Any) -> None:
        (folder / "lab.yaml").write_text(LAB)
        (folder / "campaign.yaml").write_text(
            BRANIN.replace("NAME", "measured").replace("experiments: 8", "experiments: 2")
        )
        self.lab, self.data = folder / "lab.yaml", folder / "data"
        self._on = dict(on)
        self._tasks: list[asyncio.Task[Any]] = []
        self.errors: list[MotetError] = []
        self._loop = LabLoop()
        file = load(folder / "campaign.yaml", Options())
        setting = Setting(self.data, self._loop.engine)
        self.session = Session(file, installed(), setting, [self._see], False, answered_here=True)

    def run(self) -> Summary:
        """The campaign, and what was begun beside it, to their ends."""

        async def whole() -> Summary:
            summary = await self.session.run()
            await asyncio.gather(*self._tasks)
            return summary

        try:
            return self._loop.submit(whole()).result(30)
        finally:
            self._loop.close()

    def _see(self, event: Event) -> None:
        match event:
            case ExperimentStarted(experiment, _, _) if experiment.number == 1:
                self._begin(api.estop(self.lab, self.data, "smoke"))
            case StationChanged(_, state, _):
                for act in self._on.pop(state.name, ()):
                    self._begin(act(self))
            case _:
                pass

    def _begin(self, work: Any) -> None:
        self._tasks.append(asyncio.ensure_future(work))


async def clear(played: Played) -> None:
    await api.clear(played.lab, played.data)


async def abort(played: Played) -> None:
    assert played.session.control is not None
    played.session.control.abort("enough")


async def resume(played: Played) -> None:
    assert played.session.control is not None
    try:
        played.session.control.resume()
    except MotetError as error:
        played.errors.append(error)


@pytest.mark.parametrize(
    "on",
    [
        {"ESTOPPED": [clear, abort]},
        {"ESTOPPED": [abort, clear]},
        {"ESTOPPED": [clear], "CLEARING": [abort]},
        {"ESTOPPED": [abort], "OFFLINE": [clear]},
    ],
    ids=["clear, abort", "abort, clear", "abort in the clearing", "clear when it is closed"],
)
def test_a_session_that_ends_meanwhile_ends_and_the_clearing_counts(tmp_path: Path, on: Any) -> None:
    played = Played(tmp_path, **on)
    summary = played.run()
    assert (summary.state, summary.unsafe) == (CampaignState.ABORTED, ())
    assert asyncio.run(api.pressed(played.lab, played.data)) == ()
    assert Played(tmp_path, ESTOPPED=[clear], CLEARING=[resume]).run().state is CampaignState.FINISHED


def test_a_resume_before_the_clearing_is_refused_and_the_one_after_it_goes_on(tmp_path: Path) -> None:
    played = Played(tmp_path, ESTOPPED=[resume, clear], CLEARING=[resume])
    assert played.run().state is CampaignState.FINISHED
    (error,) = played.errors
    assert isinstance(error, EmergencyStop)
    assert "`motet clear` first" in str(error)


def test_a_lab_that_nobody_clears_is_latched_for_the_next_session(tmp_path: Path) -> None:
    assert Played(tmp_path, ESTOPPED=[abort]).run().state is CampaignState.ABORTED
    with pytest.raises(EmergencyStop, match="smoke"):
        Played(tmp_path).run()
