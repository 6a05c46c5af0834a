"""A small lab of one soft instrument that does what the test says, and campaigns on it in virtual time."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from motet.api.fast_check import check_fast
from motet.api.simulate import SimulatedRun, Simulation, load_simulated
from motet.contracts.declarations import Driver
from motet.devices import Device, Output, verb
from motet.hookspecs import hookimpl
from motet.model.events import Event
from motet.orchestration import Summary
from motet.plugins import Registry, load

Measure = Callable[[float], Awaitable[float]]

LAB = """\
lab: rig
broker: none
stations:
  cell:
    devices:
      gauge: {driver: gauge}
procedures:
  measure_at:
    parameters: {x: mm}
    steps:
      - gauge.measure: {x: $x}
        as: m
"""
CAMPAIGN = """\
campaign: rig
lab: lab.yaml
parameters:
  x: {type: stepped, low: 0, high: 20, step: 1}
objectives:
  y: {goal: maximize}
procedure: measure_at
analysis:
  value:
    outputs: {y: m.y}
learner:
  surrogate:
    random_forest: {trees: 3}
budget: {experiments: 4}
"""


@dataclass
class Rig:
    """The lab, and what its instrument does."""

    folder: Path
    measured: Measure
    opened: Callable[[], Awaitable[None]]
    events: list[Event] = field(default_factory=list[Event])
    more: str = ""
    repeatable: bool = True
    """Whether its instrument may measure a point again by itself."""

    def simulate(self, *, fast: bool = False, timeout: float = 20.0) -> Summary:
        """Run the campaign to its end, within bounds."""
        registry = self._registry()
        file = load_simulated(self._write(), registry=registry)
        running = SimulatedRun(file, Simulation(self.folder / "data", fast), [self.events.append], registry)
        try:
            return running.wait(timeout)
        finally:
            running.close()

    def check_fast(self, experiments: int) -> str:
        """Hold the fast run of the campaign against the full one."""
        registry = self._registry()
        return check_fast(load_simulated(self._write(), registry=registry), experiments, registry)

    def _write(self) -> Path:
        (self.folder / "lab.yaml").write_text(LAB, encoding="utf-8")
        campaign = self.folder / "campaign.yaml"
        campaign.write_text(CAMPAIGN + self.more, encoding="utf-8")
        return campaign

    def _registry(self) -> Registry:
        rig = self

        class Gauge(Device):
            """Measures what the test says."""

            async def open(self) -> None:
                await rig.opened()

            @verb(units={"x": "mm"}, outputs={"y": Output()}, repeatable=rig.repeatable)
            async def measure(self, x: float) -> Mapping[str, Any]:
                """Measure at x."""
                return {"y": await rig.measured(x)}

        class Plugins:
            """Brings the driver."""

            @hookimpl
            def motet_drivers(self) -> Iterable[Driver]:
                """One."""
                return [Driver("gauge", Gauge, transport="none")]

        registry = load()
        registry.manager.register(Plugins(), name="rig")
        return registry


async def _parabola(x: float) -> float:
    return -((x - 7) ** 2)


async def _nothing() -> None:
    """The instrument is there."""


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, _parabola, _nothing)
