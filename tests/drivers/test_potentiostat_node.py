"""The potentiostat driver against the simulated node, over a real broker."""

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from motet.bus import Bus, EmbeddedBroker, Message
from motet.devices import Context, Limit, Limits
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LimitError, LineLost, NoReply
from motet.simulation import LoopClock, MqttHost
from motet_drivers import potentiostat_node as driver
from motet_simulators import potentiostat_node as simulator
from motet_simulators.schwefel_plate import Options as PlateOptions
from motet_simulators.schwefel_plate import SchwefelPlate, schwefel

SCALE = 50.0
TOPIC = "lab/cell/potentiostat"


@dataclass
class Bench:
    """A potentiostat, the node behind it, and what goes over the bus."""

    potentiostat: driver.PotentiostatNode
    node: simulator.PotentiostatNode
    bus: Bus
    host: MqttHost
    heard: list[Message] = field(default_factory=list[Message])

    async def busy(self) -> None:
        """Returns when the node has begun to measure."""
        begun = asyncio.Event()

        def look(message: Message) -> None:
            if message.json() == {"status": "busy"}:
                begun.set()

        subscription = await self.bus.subscribe(f"{TOPIC}/status", look)
        async with asyncio.timeout(5):
            await begun.wait()
        await subscription.cancel()


@asynccontextmanager
async def bench(
    url: str, simulated: Mapping[str, Any] | None = None, *, connect: bool = True, **options: Any
) -> AsyncGenerator[Bench]:
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    plate = SchwefelPlate(PlateOptions(), clock, seed=1)
    for axis, place in {"x": 45.0, "y": 45.0, "z": -0.1}.items():
        plate.drive(axis, lambda place=place: place)
    node = simulator.PotentiostatNode(simulator.Options(**(simulated or {})), plate, clock, seed=1)
    async with (
        Bus(url, client_id="motet-lab") as bus,
        Bus(url, client_id="node") as node_bus,
        MqttHost(node, node_bus, TOPIC) as host,
    ):
        context = Context(
            "cell-potentiostat",
            driver.Options.model_validate({"timeout": 0.3, "retries": 0, **options}),
            Limits("cell-potentiostat", {"potential": Limit(-1, 1, "V")}),
            bus=bus,
            topic=TOPIC,
        )
        cell = Bench(driver.PotentiostatNode(context), node, bus, host)
        if connect:
            await cell.potentiostat.connect()
        yield cell


@pytest.fixture
async def embedded() -> AsyncGenerator[str]:
    """The URL of an embedded broker."""
    async with EmbeddedBroker() as broker:
        yield broker.url


@pytest.fixture(params=["embedded", "mosquitto"])
def broker(request: pytest.FixtureRequest) -> str:
    """The URL of a broker of each kind."""
    return request.getfixturevalue(request.param)


async def test_a_measurement_gives_the_trace_of_the_place(broker: str) -> None:
    async with bench(broker) as cell:
        outputs = await cell.potentiostat.measure(potential=0.5, duration=10, points=20)
        assert len(outputs["time"]) == len(outputs["current"]) == 20
        assert outputs["time"][-1] == 10
        assert outputs["current"][-1] == pytest.approx(schwefel(45, 45), rel=1e-3)


async def test_a_verb_run_as_bluesky_runs_it_describes_its_arrays(embedded: str) -> None:
    async with bench(embedded) as cell:
        verb = cell.potentiostat.verbs["measure"]
        await verb.set({"potential": 0.5, "duration": 1.0})
        description = await verb.describe()
        assert description["cell-potentiostat-current"] == {
            "source": "motet://cell-potentiostat-measure/current",
            "dtype": "array",
            "shape": [50],
            "units": "mA",
        }


async def test_the_node_says_who_it_is(embedded: str) -> None:
    async with bench(embedded) as cell:
        assert await cell.potentiostat.identity() == "PN-1, serial number 000042, firmware 1.0"
    async with bench(embedded, connect=False, serial_number="7") as cell:
        with pytest.raises(ConnectionProblem, match="serial number 000042, the lab file says 7"):
            await cell.potentiostat.connect()


async def test_stop_aborts_a_running_measurement_promptly(broker: str) -> None:
    async with bench(broker) as cell:
        measuring = asyncio.create_task(cell.potentiostat.measure(0.5, 3000))
        await cell.busy()
        await cell.potentiostat.stop()
        with pytest.raises(InstrumentError, match="aborted: the measurement was stopped"):
            async with asyncio.timeout(10):
                await measuring
        assert cell.node.measurements == 0
        await cell.potentiostat.measure(0.5, 1)


async def test_a_cancelled_measurement_is_stopped_at_the_node(embedded: str) -> None:
    async with bench(embedded) as cell:
        measuring = asyncio.create_task(cell.potentiostat.measure(0.5, 3000))
        await cell.busy()
        measuring.cancel()
        with pytest.raises(asyncio.CancelledError):
            await measuring
        await cell.potentiostat.measure(0.5, 1)
        assert cell.node.measurements == 1


async def test_a_value_that_could_not_be_measured_is_nan(embedded: str) -> None:
    async with bench(embedded, {"nan_after": 0}) as cell:
        current = (await cell.potentiostat.measure(0.5, 1, points=5))["current"]
        assert math.isnan(current[-1])
        assert not any(map(math.isnan, current[:-1]))


async def test_a_refusal_is_named_with_its_code(embedded: str) -> None:
    async with bench(embedded, {"faults": [{"kind": "error"}]}) as cell:
        with pytest.raises(InstrumentError, match="cell-potentiostat: 'measure' failed: overload"):
            await cell.potentiostat.measure(0.5, 1)
        await cell.potentiostat.measure(0.5, 1)


async def test_a_potential_beyond_the_lab_s_limit_reaches_nobody(embedded: str) -> None:
    async with bench(embedded) as cell:
        await cell.bus.subscribe(f"{TOPIC}/command", cell.heard.append)
        with pytest.raises(LimitError, match=r"potential = 1.5 V is beyond its limit \[-1, 1\] V"):
            cell.potentiostat.verbs["measure"].set({"potential": 1.5, "duration": 1.0})
        with pytest.raises(LimitError, match="duration"):
            cell.potentiostat.verbs["measure"].set({"potential": 1.0, "duration": 0.0})
        await cell.potentiostat.measure(0.5, 1)
        assert len(cell.heard) == 1


async def test_a_mute_node_gives_no_reply_in_bounded_time(embedded: str) -> None:
    async with bench(embedded, {"faults": [{"kind": "drop", "times": None}]}, connect=False) as cell:
        with pytest.raises(NoReply, match=f"the node at {TOPIC} does not answer within 0.3 s"):
            await cell.potentiostat.connect()


async def test_a_node_that_accepts_but_never_finishes_gives_no_reply(embedded: str) -> None:
    async with bench(embedded, {"faults": [{"kind": "drop", "after": 2, "times": None}]}) as cell:
        with pytest.raises(NoReply, match="accepted 'measure' but did not finish within"):
            await cell.potentiostat.measure(0.5, 0.1)


async def test_a_node_that_sends_garbage_gives_no_reply(embedded: str) -> None:
    async with bench(embedded, {"faults": [{"kind": "garble", "times": None}]}, connect=False) as cell:
        with pytest.raises(NoReply):
            await cell.potentiostat.connect()


async def test_a_lost_answer_is_asked_for_again(embedded: str) -> None:
    async with bench(embedded, {"faults": [{"kind": "drop"}]}, retries=1) as cell:
        assert await cell.potentiostat.identity() == "PN-1, serial number 000042, firmware 1.0"


async def test_a_node_that_dies_in_a_measurement_is_not_waited_for(broker: str) -> None:
    async with bench(broker) as cell:
        measuring = asyncio.create_task(cell.potentiostat.measure(0.5, 3000))
        await cell.busy()
        await cell.host.__aexit__(None, None, None)
        with pytest.raises(LineLost, match=f"the node at {TOPIC} is off line, by its last will"):
            async with asyncio.timeout(5):
                await measuring
        with pytest.raises(LineLost):
            await cell.potentiostat.measure(0.5, 1)
        await cell.host.__aenter__()
        assert await cell.potentiostat.recover() == ("a trace that was being measured: measure again",)
        await cell.potentiostat.measure(0.5, 1)


@pytest.mark.parametrize(
    "reply",
    [
        {"status": "done"},
        {"status": "done", "time_s": [0.0], "current_mA": []},
        {"status": "done", "time_s": ["x"], "current_mA": [1.0]},
        {"status": "dreaming"},
        {},
    ],
)
async def test_a_reply_that_is_not_in_the_protocol_is_garbled(embedded: str, reply: dict[str, Any]) -> None:
    async with Bus(embedded, client_id="lab") as bus, Bus(embedded, client_id="odd-node") as odd:

        async def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"status": "done"} if request["command"] == "identify" else reply

        await odd.serve(f"{TOPIC}/command", f"{TOPIC}/reply", answer)
        context = Context("cell-p", driver.Options(), Limits("cell-p", {}), bus=bus, topic=TOPIC)
        potentiostat = driver.PotentiostatNode(context)
        await potentiostat.connect()
        with pytest.raises(GarbledReply, match=f"the node at {TOPIC}"):
            await potentiostat.measure(0.5, 1)


async def test_a_command_delivered_twice_is_measured_once(embedded: str) -> None:
    async with bench(embedded) as cell:
        done = asyncio.Event()
        replies: list[Mapping[str, Any]] = []

        def take(message: Message) -> None:
            replies.append(message.json())
            if [reply["status"] for reply in replies].count("done") == 1:
                done.set()

        await cell.bus.subscribe(f"{TOPIC}/reply", take)
        request = {"id": "a", "command": "measure", "potential_V": 0.5, "duration_s": 1, "points": 2}
        for _ in range(2):
            await cell.bus.publish(f"{TOPIC}/command", json.dumps(request))
        async with asyncio.timeout(5):
            await done.wait()
        assert cell.node.measurements == 1
