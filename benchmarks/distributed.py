"""What distance costs: a remote station beside a local one and a bare request over the same broker, and 64 stations.

    python benchmarks/distributed.py           about two minutes
    python benchmarks/distributed.py --quick   a short form
    python benchmarks/distributed.py --json    for programs

A mosquitto of its own, QoS 1, TCP_NODELAY at both sides, stations in other processes of this machine, store and
journals on. An experiment is one run with one verb, which takes the stated time, and one event. Overhead is the time
from one experiment's end to the next one's at a station, less the instrument's own time; medians. `bare` is a request
and its response with aiomqtt alone, answered by another process, in the same run.
"""

import argparse
import asyncio
import itertools
import json
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import aiomqtt
from pydantic import BaseModel, ConfigDict

from motet.api.run import Options, Run, load
from motet.api.station import Hosting
from motet.api.station import Options as HostOptions
from motet.cli.undisturbed import undisturbed, when_running
from motet.contracts.declarations import Driver
from motet.devices import Context, Device, Output, verb
from motet.hookspecs import hookimpl
from motet.model.events import Event, ExperimentEnded
from motet.orchestration import Summary
from motet.plugins import Registry, installed
from motet_testing.mosquitto import Mosquitto

NO_DELAY = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
REQUEST, REPLY = "bare/request", "bare/reply"
HOSTS, STATIONS = 4, 64
MOST_RATIO, MOST_MS, LEAST_EFFICIENCY = 2.0, 8.0, 0.95


class TimerOptions(BaseModel):
    """How long it takes, seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: float = 0.0


class TimerDevice(Device):
    """An instrument that takes a stated time and gives x back."""

    def __init__(self, context: Context) -> None:
        assert isinstance(context.options, TimerOptions)
        self._seconds = context.options.seconds
        super().__init__(context)

    @verb(units={"x": "dimensionless"}, outputs={"y": Output()})
    async def measure(self, x: int) -> Mapping[str, float]:
        """Take the time."""
        if self._seconds:
            await asyncio.sleep(self._seconds)
        return {"y": float(x)}


class Plugins:
    """The instrument, for the labs of this benchmark."""

    @hookimpl
    def motet_drivers(self) -> Iterable[Driver]:
        """It has no wire."""
        return [Driver("benchmark_timer", TimerDevice, TimerOptions, transport="none")]


@dataclass(frozen=True, slots=True)
class Overhead:
    """Of a zero-length experiment, ms, in medians of `rounds` turns."""

    local_ms: float
    remote_ms: float
    bare_ms: float

    @property
    def ratio(self) -> float:
        """Remote beside local."""
        return self.remote_ms / self.local_ms


@dataclass(frozen=True, slots=True)
class Efficiency:
    """The sum of the instruments' own times over stations times wall time."""

    stations: int
    processes: int
    experiments: int
    wall_s: float
    efficiency: float


def registry() -> Registry:
    """Everything installed, and the instrument."""
    found = installed()
    if not found.manager.has_plugin("benchmark"):
        found.manager.register(Plugins(), name="benchmark")
    return found


def write(folder: Path, broker: str, stations: int, seconds: float, experiments: int, *, remote: bool) -> Path:
    """Lab and campaign; JSON is YAML."""
    device = {"driver": "benchmark_timer", "options": {"seconds": seconds}}
    station = {"devices": {"timer": device}, **({"remote": True} if remote else {})}
    lab = {"lab": "distant", "broker": broker, "stations": {f"s{n}": station for n in range(1, stations + 1)}}
    campaign = {
        "campaign": "distributed",
        "lab": "lab.yaml",
        "parameters": {"x": {"type": "integer", "low": 0, "high": 19_999}},
        "objectives": {"y": {"goal": "maximize"}},
        "procedure": {"parameters": ["x"], "steps": [{"timer.measure": {"x": "$x"}, "as": "m"}]},
        "analysis": {"value": {"outputs": {"y": "m.y"}}},
        "learner": {"start": {"random": {"n": 20_000}}, "suggest": "ahead"},
        "budget": {"experiments": experiments},
    }
    folder.mkdir(parents=True)
    (folder / "lab.yaml").write_text(json.dumps(lab))
    (folder / "campaign.yaml").write_text(json.dumps(campaign))
    return folder / "campaign.yaml"


async def campaign(path: Path) -> tuple[Summary, list[float]]:
    """Run it; its summary and the gaps between the ends of experiments at each station, seconds."""
    ends: dict[str, list[float]] = {}

    def see(event: Event) -> None:
        if isinstance(event, ExperimentEnded):
            ends.setdefault(event.station, []).append(time.perf_counter())

    options = Options(data=path.parent / "data")
    run = Run(load(path, options, registry()), options, [see, when_running()], registry(), answered_here=False)
    try:
        summary = await asyncio.to_thread(run.wait)
    finally:
        await asyncio.to_thread(run.close)
    if summary.failed:
        raise RuntimeError(f"{summary.failed} of {summary.experiments} experiments failed: {summary.reason}")
    return summary, [b - a for times in ends.values() for a, b in itertools.pairwise(times)]


@asynccontextmanager
async def process(*arguments: str) -> AsyncGenerator[None]:
    """This program as another one of its parts, once it says that it is ready."""
    started = await asyncio.create_subprocess_exec(sys.executable, __file__, *arguments, stdout=asyncio.subprocess.PIPE)
    assert started.stdout is not None
    try:
        if await started.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{' '.join(arguments)} did not start")
        yield
    finally:
        with suppress(ProcessLookupError):
            started.terminate()
        await started.wait()


def hosts(path: Path, names: Sequence[str], count: int) -> Iterable[tuple[str, ...]]:
    """The arguments of so many processes that share stations."""
    for host in range(count):
        yield "--host", str(path.parent), str(host), *names[host::count]


def host(folder: Path, number: str, names: Sequence[str]) -> None:
    """Host stations until the process is ended."""
    hosting = Hosting(HostOptions(names, folder / "lab.yaml", folder / f"data-{number}"), registry())
    try:
        hosting.ready.result()
        undisturbed()  # as `motet station` does; `motet run` when its campaign runs
        print("ready", flush=True)
        hosting.wait()
    finally:
        hosting.close()


async def echo(port: int) -> None:
    """Answer bare requests until the process is ended."""
    async with aiomqtt.Client("127.0.0.1", port, socket_options=NO_DELAY) as client:
        await client.subscribe(REQUEST, qos=1)
        print("ready", flush=True)
        async for message in client.messages:
            await client.publish(REPLY, message.payload, qos=1)


async def bare(port: int, count: int) -> list[float]:
    """Seconds of each of so many requests with their responses."""
    taken: list[float] = []
    async with process("--echo", str(port)), aiomqtt.Client("127.0.0.1", port, socket_options=NO_DELAY) as client:
        await client.subscribe(REPLY, qos=1)
        replies = aiter(client.messages)
        for number in range(count + 20):
            started = time.perf_counter()
            await client.publish(REQUEST, json.dumps({"id": number}), qos=1)
            await anext(replies)
            if number >= 20:
                taken.append(time.perf_counter() - started)
    return taken


async def overhead(folder: Path, broker: Mosquitto, rounds: int, count: int) -> Overhead:
    """Local, remote and bare in turns."""
    local: list[float] = []
    remote: list[float] = []
    plain: list[float] = []
    for turn in range(rounds):
        path = write(folder / f"local{turn}", broker.url, 1, 0.0, count, remote=False)
        local += (await campaign(path))[1]
        path = write(folder / f"remote{turn}", broker.url, 1, 0.0, count, remote=True)
        async with process(*next(iter(hosts(path, ["s1"], 1)))):
            remote += (await campaign(path))[1]
        plain += await bare(broker.port, count)
    return Overhead(*(1000 * statistics.median(taken) for taken in (local, remote, plain)))


async def efficiency(folder: Path, broker: Mosquitto, each: int, seconds: float = 1.0) -> Efficiency:
    """Many remote stations at once, `each` experiments at each of them."""
    count = STATIONS * each
    path = write(folder / "many", broker.url, STATIONS, seconds, count, remote=True)
    names = [f"s{number}" for number in range(1, STATIONS + 1)]
    async with AsyncExitStack() as stack:
        entered = [stack.enter_async_context(process(*arguments)) for arguments in hosts(path, names, HOSTS)]
        for one in entered:
            await one
        summary, _ = await campaign(path)
    return Efficiency(STATIONS, HOSTS, count, summary.wall_s, count * seconds / (STATIONS * summary.wall_s))


async def main(quick: bool, as_json: bool) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, Mosquitto(Path(folder)) as broker:
        cost = await overhead(Path(folder), broker, 2 if quick else 4, 200 if quick else 500)
        many = await efficiency(Path(folder), broker, 3 if quick else 15)
    if as_json:
        print(json.dumps({"overhead": {**asdict(cost), "ratio": cost.ratio}, "efficiency": asdict(many)}))
        return
    print("| zero-length experiment | ms | goal |\n|---|---|---|")
    print(f"| local | {cost.local_ms:.2f} | |")
    print(f"| remote | {cost.remote_ms:.2f} | <= {MOST_MS:g} {_missed(cost.remote_ms <= MOST_MS)}|")
    print(f"| remote / local | {cost.ratio:.2f} | <= {MOST_RATIO:g} {_missed(cost.ratio <= MOST_RATIO)}|")
    print(f"| bare request and response | {cost.bare_ms:.2f} | |")
    met = _missed(many.efficiency >= LEAST_EFFICIENCY)
    print(
        f"\n{many.stations} remote stations in {many.processes} processes, {many.experiments} experiments of 1 s in"
        f" {many.wall_s:.1f} s: efficiency {many.efficiency:.3f}, goal >= {LEAST_EFFICIENCY:g} {met}"
    )


def _missed(met: bool) -> str:
    return "" if met else "MISSED "


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--host", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--echo", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.host:
        host(Path(given.host[0]), given.host[1], given.host[2:])
    elif given.echo:
        asyncio.run(echo(given.echo))
    else:
        asyncio.run(main(given.quick, given.json))
