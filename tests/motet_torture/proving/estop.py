"""The emergency stop while every station of a lab moves: how soon everything stands still, and whether it stays so."""

import asyncio
from collections.abc import Mapping, Sequence

from motet.api.control import command
from motet.bus import Bus
from motet.station.latch import Latch
from motet_testing.mosquitto import Mosquitto
from motet_torture.labs import CAMPAIGN, ENDLESS, Bench, bench, campaign_of, remote_lab_of
from motet_torture.ledger import IDENTIFIED, MOVING, STOPPED, Entry
from motet_torture.processes import TooLate, running, until
from motet_torture.proofs import Beside, Measured, Proof, Trial, at_most, count, median, told

STATIONS = 16
SECONDS = 60.0
"""How long a move would take."""
MOST_MS = 100.0
STILL_S = 1.0
"""For so long nothing may move after a stop, before it is cleared."""
LATE_S = 5.0
STEPS = ({"doser.move": {"x": "$x"}}, {"doser.read_value": {"x": "$x"}, "as": "read"})


async def prove(trial: Trial) -> Sequence[Measured]:
    """Press, look, clear, go on; so many times. The command is the call that publishes it; no process is started."""
    rounds, hosts = trial.of(100, 2), trial.of(4, 2)
    rng = trial.random("moments")
    longest, moved, missed = list[float](), 0, 0
    async with (
        running(trial.folder) as programs,
        bench(programs, STATIONS, seconds=SECONDS, processes=trial.of(2, 1)) as lab,
    ):
        with Mosquitto(trial.folder) as broker:
            names = [f"s{number}" for number in range(1, STATIONS + 1)]
            lab.write(
                remote_lab_of(lab.urls, broker.url),
                campaign_of(
                    ENDLESS,
                    points=20_000,
                    seed=trial.seed,
                    failures={"in_a_row": 1_000_000},
                    procedure={"parameters": ["x"], "steps": list(STEPS)},
                ),
            )
            shares = [names[host::hosts] for host in range(hosts)]
            await asyncio.gather(*(lab.host(f"host{number}", *share) for number, share in enumerate(shares, 1)))
            await lab.run("run")
            async with Bus(broker.url, client_id="torture") as bus, Latch("bench", None, bus) as latch:
                for number in range(rounds):
                    before = await until(lambda: _all_moving(lab), "all of them move", 60)
                    await asyncio.sleep(rng.uniform(0.0, 0.5))
                    pressed = asyncio.get_running_loop().time()
                    await latch.trip(f"round {number}", "torture")
                    stops = await _stops(lab, before)
                    missed += STATIONS - len(stops)
                    longest.append(max(1000 * (at - pressed) for at in stops.values()) if stops else float("inf"))
                    await asyncio.sleep(STILL_S)
                    moved += sum(entry.what == MOVING and entry.at > pressed for entry in lab.happened.entries())
                    cleared = asyncio.get_running_loop().time()
                    await latch.clear("torture")
                    await _resumed(lab, cleared)
        return [
            told("pressed", f"{rounds} times, {STATIONS} stations in {hosts} processes"),
            count("simulators that did not stop", missed),
            at_most("the last of them stands still after, median", median(longest), MOST_MS * trial.slack, "ms"),
            at_most("the last of them stands still after, longest", max(longest), MOST_MS * trial.slack, "ms"),
            count("moves begun before it was cleared", moved),
            count("dispensed", sum(lab.dispensed().values())),
        ]


async def _resumed(lab: Bench, cleared: float) -> None:
    """The campaign goes on, as a person would let it when every instrument was found again."""

    def found() -> bool:
        entries = lab.happened.entries()
        again = {entry.instrument for entry in entries if entry.what == IDENTIFIED and entry.at > cleared}
        return len(again) == STATIONS

    await until(found, "every instrument is found again", 30)
    state = await command(lab.data, CAMPAIGN, "resume")
    if state != "running":
        raise TooLate(f"the campaign is {state} after it was told to go on")


def _last(lab: Bench) -> Mapping[str, Entry]:
    """The last thing that each instrument did."""
    return {entry.instrument: entry for entry in lab.happened.entries() if entry.what != IDENTIFIED}


def _all_moving(lab: Bench) -> int:
    """How many entries there are when all of them move; 0 until then."""
    last = _last(lab)
    moving = len(last) == STATIONS and all(entry.what == MOVING for entry in last.values())
    return len(lab.happened.entries()) if moving else 0


async def _stops(lab: Bench, before: int) -> Mapping[str, float]:
    """When each of them stopped, of those that have in time."""

    def stopped() -> Mapping[str, float]:
        entries = lab.happened.entries()[before:]
        return {entry.instrument: entry.at for entry in entries if entry.what == STOPPED}

    try:
        return await until(
            lambda: found if len(found := stopped()) == STATIONS else None, "all stop", LATE_S, MOST_MS / 1e3
        )
    except TooLate:
        return await asyncio.to_thread(stopped)


PROOF = Proof("estop", "emergency stop during moves on 16 stations", prove, beside=Beside.NOTHING)
