"""A lab loop, and a soft instrument on it whose every call is seen."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from motet.contracts.declarations import NoOptions
from motet.devices import Context, Device, Limit, Limits, Output, verb
from motet.model.procedure import Procedure
from motet.station.engine import LabLoop


class Gauge(Device):
    """A soft instrument: it moves, measures, and can be told to fail or to take its time."""

    signals: ClassVar[Mapping[str, Output]] = {"place": Output("mm")}

    def __init__(self, context: Context) -> None:
        self.place_mm = 0.0
        self.calls: list[str] = []
        self.moving = asyncio.Event()
        self.blocked: asyncio.Event | None = None
        self.fails: Callable[[], Exception | None] = lambda: None
        self.stopped_while_moving = False
        self.opened = 0
        self.silent: Exception | None = None
        """What opening, stopping and making it safe raises."""
        super().__init__(context)

    async def get_place(self) -> float:
        return self.place_mm

    @verb(units={"x": "mm"}, limits={"x": (-10.0, 100.0)})
    async def move(self, x: float) -> None:
        """Go to a place."""
        self.calls.append(f"move {x:g}")
        await self._work()
        self.place_mm = x

    @verb(units={"x": "um"}, relative=("x",))
    async def shift(self, x: float) -> None:
        """Go a little further."""
        self.calls.append(f"shift {x:g}")
        self.place_mm += x / 1000

    @verb(units={"gain": "V"}, outputs={"value": Output("mA"), "trace": Output("mA", "array")})
    async def measure(self, gain: float = 1.0, points: int = 3) -> Mapping[str, Any]:
        """Measure where it is."""
        self.calls.append("measure")
        await self._work()
        return {"value": gain * self.place_mm, "trace": [gain * self.place_mm] * points}

    async def _work(self) -> None:
        self.moving.set()
        error = self.fails()
        if error is not None:
            raise error
        if self.blocked is not None:
            await self.blocked.wait()
        self.moving.clear()

    async def open(self) -> None:
        self._answer("open")

    async def stop(self, success: bool = True) -> None:
        self.stopped_while_moving = self.moving.is_set()
        self._answer("stop")

    async def safe(self) -> None:
        self._answer("safe")

    def _answer(self, call: str) -> None:
        if self.silent is not None:
            raise self.silent
        if call != "open":
            self.calls.append(call)
        self.opened += call == "open"


@dataclass
class Bench:
    """The lab loop with one gauge, and everything that happened."""

    lab_loop: LabLoop
    gauge: Gauge
    steps: list[str] = field(default_factory=list[str])

    def run(self, work: Any, timeout: float = 10.0) -> Any:
        """Run a coroutine on the lab loop to its end."""
        return self.lab_loop.submit(work).result(timeout)


@pytest.fixture
def bench() -> Iterator[Bench]:
    lab_loop = LabLoop()

    async def make() -> Gauge:
        limits = Limits("cell-gauge", {"x": Limit(0.0, 50.0, "mm")})
        return Gauge(Context("cell-gauge", NoOptions(), limits))

    yield Bench(lab_loop, lab_loop.submit(make()).result(10))
    lab_loop.close()


def procedure(*steps: Any, cleanup: Any = ()) -> Procedure:
    """A procedure from steps as a file states them."""
    return Procedure.model_validate({"parameters": {"x": "mm"}, "steps": list(steps), "cleanup": list(cleanup)})


@pytest.fixture(name="procedure")
def _procedure() -> Callable[..., Procedure]:
    return procedure
