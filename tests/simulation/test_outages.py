"""Devices that fail: when, for how long, and what a campaign makes of it."""

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from motet.api.simulate import Simulation, load_simulated, simulate
from motet.bus import MemoryBus, Message
from motet.errors import NoReply
from motet.files.campaign import CampaignFile
from motet.lines import Line, Terminated
from motet.model.events import CampaignState, Event, ExperimentEnded, ExperimentRetried, StepStarted
from motet.model.experiment import State
from motet.model.lab import SimulatedFailure
from motet.model.values import PluginRef
from motet.simulation import LoopClock, MemoryOpener, MqttHost
from motet.simulation.outages import Drawn, Outages, Scheduled, failing
from motet.simulation.virtual import VirtualLoop

EXAMPLE = Path(__file__).parents[2] / "examples" / "twin_sdc" / "campaign.yaml"


class Dial:
    """A clock that the test sets."""

    scale = 1.0

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def call_later(self, seconds: float, function: Callable[..., object], *args: Any) -> Any:
        raise AssertionError("an outage needs no timer")


def down_at(outages: Outages, times: list[float]) -> list[bool]:
    assert isinstance(outages.clock, Dial)
    found: list[bool] = []
    for outages.clock.seconds in times:
        found.append(outages.down())
    return found


def test_a_scheduled_failure_begins_and_ends_at_its_times() -> None:
    outages = Outages(Dial(), (Scheduled(10.0, 5.0), Scheduled(13.0, 4.0), Scheduled(100.0, 1.0)))
    times = [0.0, 9.999, 10.0, 14.999, 15.0, 16.999, 17.0, 99.0, 100.0, 101.0]
    assert down_at(outages, times) == [False, False, True, True, True, True, False, False, True, False]


def runs(drawn: Drawn, seconds: int) -> tuple[list[int], list[int]]:
    """How long a device worked each time, and how long each repair took, looked at once a second."""
    states = down_at(Outages(Dial(), drawn=(drawn,)), [float(second) for second in range(seconds)])
    found = [(state, len(list(group))) for state, group in itertools.groupby(states)][:-1]
    return [length for state, length in found if not state], [length for state, length in found if state]


def test_drawn_failures_come_as_often_as_is_said_and_last_as_long() -> None:
    worked, repairs = runs(Drawn(600.0, 60.0, seed=3), 600_000)
    assert len(worked) > 700
    assert mean(worked) == pytest.approx(600.0, rel=0.12)  # 3 standard errors of 900 exponential times are 10 %
    assert max(worked) > 3 * 600
    assert {length for length in repairs if length not in (60, 120)} <= {59, 61}


def test_drawn_failures_follow_from_their_seed() -> None:
    one, same, other = (runs(Drawn(300.0, 30.0, seed), 20_000) for seed in ("1.0", "1.0", "1.1"))
    assert one == same != other


def test_what_is_looked_at_seldom_is_what_is_looked_at_often() -> None:
    seldom = [float(second) for second in range(0, 50_000, 700)]
    often = [float(second) for second in range(50_000)]
    process = Drawn(400.0, 150.0, seed=5)
    states = down_at(Outages(Dial(), drawn=(process,)), often)
    assert down_at(Outages(Dial(), drawn=(process,)), seldom) == [states[int(second)] for second in seldom]


class Echo:
    """Answers each line or message; says something by itself at 15 s."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.heard: list[bytes] = []
        self.send: Callable[[bytes], None] = lambda data: None
        self._loop = loop

    def attach(self, send: Callable[[bytes], None]) -> None:
        self.send = send
        self._loop.call_at(15.0, self.say, b"by itself\r")

    def say(self, data: bytes) -> None:
        self.send(data)

    def receive(self, data: bytes) -> None:
        self.heard.append(data)
        self.send(b"yes\r")

    def detach(self) -> None:
        self.send = lambda data: None


class EchoNode(Echo):
    """The same on MQTT."""

    def filters(self, topic: str) -> tuple[str, ...]:
        return (f"{topic}/command",)

    def will(self, topic: str) -> None:
        return None

    def attach(self, topic: str, publish: Callable[[str, bytes, bool], None]) -> None:  # type: ignore[override]  # MQTT
        super().attach(lambda data: publish(f"{topic}/said", data, False))

    def receive(self, topic: str, payload: bytes) -> None:  # type: ignore[override]  # an MQTT node
        super().receive(payload)


@pytest.fixture
def loop() -> Any:
    made = VirtualLoop()
    yield made
    made.close()


def test_a_serial_device_that_fails_neither_hears_nor_answers_until_its_repair(loop: VirtualLoop) -> None:
    async def main() -> None:
        echo = Echo(loop)
        outages = Outages(LoopClock(loop), (Scheduled(10.0, 10.0),))
        line = Line("echo", MemoryOpener(failing(echo, "serial", outages)), Terminated(b"\r"), timeout=1.0, retries=0)
        await line.open()
        assert await line.query(b"a?", bytes) == b"yes"
        await asyncio.sleep(12.0)
        with pytest.raises(NoReply, match="did not come within 1 s"):
            await line.query(b"b?", bytes)
        await asyncio.sleep(8.0)
        assert await line.query(b"c?", bytes) == b"yes"
        await line.close()
        assert b"".join(echo.heard) == b"a?c?"

    loop.run_until_complete(main())


def test_a_reply_that_falls_into_the_failure_is_lost_and_the_instrument_works_on(loop: VirtualLoop) -> None:
    async def main() -> None:
        echo = Echo(loop)
        outages = Outages(LoopClock(loop), (Scheduled(10.0, 10.0), Scheduled(30.0, 1.0)))
        opener = MemoryOpener(failing(echo, "serial", outages))
        line = Line("echo", opener, Terminated(b"\r"), timeout=1.0, retries=0)
        await line.open()
        await asyncio.sleep(14.5)
        with pytest.raises(NoReply):
            await line.next_frame()  # at 15 s it speaks
        await asyncio.sleep(29.0 - loop.time())
        assert outages.down() is False
        frame = asyncio.create_task(line.next_frame())
        loop.call_later(0.5, echo.say, b"again\r")
        assert await frame == b"again"
        await line.close()

    loop.run_until_complete(main())


def test_a_node_that_fails_neither_hears_nor_publishes_until_its_repair(loop: VirtualLoop) -> None:
    async def main() -> None:
        node = EchoNode(loop)
        outages = Outages(LoopClock(loop), (Scheduled(10.0, 10.0),))
        heard: list[tuple[float, bytes]] = []

        def hear(message: Message) -> None:
            heard.append((loop.time(), message.payload))

        async with MemoryBus() as bus, MqttHost(failing(node, "mqtt", outages), bus, "node"):
            await bus.subscribe("node/said", hear)
            for at in (5.0, 12.0, 25.0):
                await asyncio.sleep(at - loop.time())
                await bus.publish("node/command", f"at {at:g}")
            await asyncio.sleep(1.0)
        assert heard == [(5.0, b"yes\r"), (25.0, b"yes\r")]
        assert node.heard == [b"at 5", b"at 25"]

    loop.run_until_complete(main())


@pytest.fixture
def failing_lab() -> Callable[..., CampaignFile]:
    """The first cell of the example, made short, with devices that fail."""

    def make(experiments: int, *failures: dict[str, str], **policy: Any) -> CampaignFile:
        file = load_simulated(EXAMPLE, changes={"stations": "1"})
        campaign = file.campaign
        learner = campaign.learner.model_copy(
            update={"surrogate": PluginRef(name="random_forest", options={"trees": 5})}
        )
        update = {
            "learner": learner,
            "stop": (),
            "budget": campaign.budget.model_copy(update={"experiments": experiments}),
            "failures": campaign.failures.model_copy(update=policy),
        }
        simulation = file.lab.simulation.model_copy(
            update={"failures": tuple(SimulatedFailure.model_validate(failure) for failure in failures)}
        )
        lab = file.lab.model_copy(update={"simulation": simulation})
        return file.replace(lab=lab, campaign=campaign.model_copy(update=update))

    return make


Seen = list[tuple[Event, float]]


def play(file: CampaignFile, fast: bool = True) -> tuple[CampaignState, Seen]:
    seen: Seen = []
    summary = simulate(file, Simulation(None, fast), lambda event, now: seen.append((event, now))).summary
    return summary.state, seen


def ends(seen: Seen) -> list[ExperimentEnded]:
    return [event for event, _ in seen if isinstance(event, ExperimentEnded)]


@pytest.mark.parametrize("fast", [False, True])
def test_a_failing_device_costs_experiments_and_the_campaign_goes_on_after_the_repair(
    failing_lab: Callable[..., CampaignFile], fast: bool
) -> None:
    failure = {"device": "sdc1.force", "at": "5 min", "repair": "3 min"}
    state, seen = play(failing_lab(24, failure, in_a_row=50), fast)
    assert state is CampaignState.FINISHED
    ended = ends(seen)
    failed = [end.outcome for end in ended if end.outcome.state is State.FAILED]
    assert failed
    assert all(outcome.reason.startswith("NoReply: sdc1-force (memory:sdc1-force): ") for outcome in failed)
    retried = {event.experiment.id: now for event, now in seen if isinstance(event, ExperimentRetried)}
    assert {outcome.experiment.id for outcome in failed} <= set(retried)
    assert min(retried.values()) > 300.0
    assert ended[-1].outcome.state is State.DONE
    assert [end.outcome.experiment.number for end in ended] == list(range(1, 25))


def test_a_failure_that_retries_outlast_costs_no_experiment(failing_lab: Callable[..., CampaignFile]) -> None:
    failure = {"device": "sdc1.stage", "at": "5 min", "repair": "100 s"}
    state, seen = play(failing_lab(6, failure, retry=50))
    assert state is CampaignState.FINISHED
    assert any(isinstance(event, ExperimentRetried) for event, _ in seen)
    assert {end.outcome.state for end in ends(seen)} == {State.DONE}


def test_a_node_that_fails_in_a_measurement_is_heard_of_after_its_time(
    failing_lab: Callable[..., CampaignFile],
) -> None:
    _, well = play(failing_lab(1))
    (began,) = [now for event, now in well if isinstance(event, StepStarted) and event.step == "potentiostat.measure"]
    failure = {"device": "sdc1.potentiostat", "at": f"{began + 10} s", "repair": "4 min"}
    _, seen = play(failing_lab(1, failure))
    (first, *_) = [event for event, _ in seen if isinstance(event, ExperimentRetried)]
    assert "sdc1-potentiostat" in first.reason
    assert "did not finish within" in first.reason


def test_a_failure_that_outlasts_the_patience_ends_the_campaign(failing_lab: Callable[..., CampaignFile]) -> None:
    failure = {"device": "sdc1.force", "at": "5 min", "repair": "10 h"}
    state, seen = play(failing_lab(50, failure, in_a_row=3))
    assert state is CampaignState.FAILED
    assert [end.outcome.state for end in ends(seen)][-3:] == [State.FAILED] * 3


def test_drawn_failures_are_the_same_every_time(failing_lab: Callable[..., CampaignFile]) -> None:
    failure = {"device": "sdc1.force", "mean_between": "1 min", "repair": "30 s"}
    one, same = (play(failing_lab(12, failure, in_a_row=20))[1] for _ in range(2))
    assert [(now, end) for end, now in one] == [(now, end) for end, now in same]
    assert any(isinstance(event, ExperimentRetried) for event, _ in one)
