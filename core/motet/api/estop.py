"""Press, clear and ask for the emergency stop of a lab, from any process: see `motet.station.latch`."""

import asyncio
import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from motet.api.broker import address
from motet.api.names import CONTROL_FILE
from motet.bus import Bus
from motet.errors import FileProblems, MotetError, NotFound
from motet.files.broker_check import broker_beside
from motet.files.report import Report
from motet.files.source import parse
from motet.files.validate import validate
from motet.model.broker import Broker
from motet.model.values import Frozen, Name
from motet.station.latch import Latch, whoami
from motet.station.latch_state import Latched, LatchState, latch_file, read, update

TIMEOUT_S = 5.0
"""Longest wait for one broker."""
CONFIRMED_S = 3.0
"""How long a broker may take to pass on what it was told, seconds."""


@dataclass(frozen=True, slots=True)
class Told:
    """Who knows: `latched` is the state now; `reached` are the file and the brokers that have it, `missed` those that
    have not, with the reason, and `gone` the brokers of campaigns that do not run any more."""

    latched: Latched | None
    reached: tuple[str, ...]
    missed: tuple[str, ...]
    gone: tuple[str, ...] = ()


class Place(Frozen):
    """What the emergency stop needs to know of a lab file. It may have any mistake in the rest."""

    lab: Name
    broker: Broker = Broker(url="embedded")


async def estop(lab: Path | Place, data: Path, reason: str = "", who: str = "") -> Told:
    """Press the emergency stop of the lab of a file: by the file in the data folder, the lab's broker, and the brokers
    of the campaigns that run. Raises FileProblems when the lab file does not say which lab it is."""
    place = await _place(lab)
    known = await asyncio.to_thread(read, latch_file(data, place.lab))
    return await tell(place, data, known.pressed(reason or "no reason was given", who or whoami()))


async def clear(lab: Path | Place, data: Path, who: str = "", seen: Collection[str] | None = None) -> Told:
    """Clear whatever has pressed it, as far as file and brokers know of it; with `seen` only the presses with these
    ids: what was pressed since somebody looked stays. Whoever was not reached by an earlier clearing is told of it.

    Raises FileProblems, and NotFound when it is not pressed and everybody knows so.
    """
    place = await _place(lab)
    known, told, behind = await _gather(place, data, LatchState())
    if known.latched is None and not told.missed and not behind:
        raise NotFound(f"lab {place.lab} is not e-stopped: there is nothing to clear")
    return await tell(place, data, known.released(who or whoami(), seen))


async def pressed(lab: Path | Place, data: Path) -> tuple[Latched, ...]:
    """Every press that nobody has cleared, as far as can be found out: who, when and why. Raises FileProblems."""
    known, _, _ = await _gather(await _place(lab), data, LatchState())
    return known.trips


async def tell(place: Place, data: Path, state: LatchState) -> Told:
    """Tell file and brokers of presses and clearings; who knows of them now, and who could not be told."""
    return (await _gather(place, data, state))[1]


async def _gather(place: Place, data: Path, state: LatchState) -> tuple[LatchState, Told, bool]:
    """Tell everybody what is known, all at once, and learn what they know; and whether it is pressed still for one of
    those who have answered."""
    own, others = await asyncio.to_thread(_brokers, place, data)
    ways = [
        (str(latch_file(data, place.lab)), _by_file(place.lab, data, state), True),
        *((broker.url, _by_broker(place.lab, broker, state), True) for broker in own),
        *((broker.url, _by_broker(place.lab, broker, state), False) for broker in others),
    ]
    found = await asyncio.gather(*(way for _, way, _ in ways), return_exceptions=True)
    reached, missed, gone = list[str](), list[str](), list[str]()
    behind = False
    for (name, _, needed), result in zip(ways, found, strict=True):
        if isinstance(result, LatchState):
            state = state.merged(result)
            behind = behind or result.latched is not None
            reached.append(name)
        elif isinstance(result, MotetError | OSError | TimeoutError):
            (missed if needed else gone).append(f"{name}: {str(result) or 'it did not answer in time'}")
        else:
            raise result
    return state, Told(state.latched, tuple(reached), tuple(missed), tuple(gone)), behind


async def _by_file(lab: str, data: Path, state: LatchState) -> LatchState:
    return await asyncio.to_thread(update, latch_file(data, lab), state)


async def _by_broker(lab: str, broker: Broker, state: LatchState) -> LatchState:
    async with asyncio.timeout(TIMEOUT_S):
        async with Bus(await address(broker), client_id=f"motet-estop-{secrets.token_hex(8)}") as bus:
            if state.trips:  # before anything else
                await bus.publish(f"motet/{lab}/estop", state.model_dump_json(), retain=True)
            async with Latch(lab, None, bus) as latch:
                latch.take(state)
                await latch.settled()
                if latch.untold:
                    raise MotetError("it could not be told")
                if not await latch.confirmed(CONFIRMED_S):
                    raise MotetError(f"it does not pass it on: do its rules forbid motet/{lab}/estop?")
                return latch.state


def _brokers(place: Place, data: Path) -> tuple[Sequence[Broker], Sequence[Broker]]:
    """The lab's own broker, if it has one that can be found, and those of its campaigns that run."""
    own = [place.broker] if place.broker.for_others and not place.broker.embedded else []
    known = {broker.url for broker in own}
    others: list[Broker] = []
    if place.broker.embedded and place.broker.port is not None:
        others.append(place.broker.at(f"mqtt://127.0.0.1:{place.broker.port}"))
    for path in sorted(data.glob(f"*/{CONTROL_FILE}")):
        try:
            found = cast("dict[str, Any]", json.loads(path.read_text()))
            broker, topic = Broker.model_validate(found["broker"]), str(found["topic"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # it is just being written or removed
        if topic.startswith(f"motet/{place.lab}/"):
            others.append(broker)
    unique = {broker.url: broker for broker in others if broker.url not in known}
    return own, list(unique.values())


async def _place(lab: Path | Place) -> Place:
    return lab if isinstance(lab, Place) else await asyncio.to_thread(_read_place, lab)


def _read_place(path: Path) -> Place:
    """What is needed of the lab file; where it is not to be found at first sight, the whole file is read."""
    try:
        return _found(path, Place.model_fields)
    except FileProblems:
        return _found(path, None)


def _found(path: Path, keys: Collection[str] | None) -> Place:
    report = Report()
    source = parse(path, report, keys)
    if source is None:
        report.fail()
    wanted = {key: node for key, node in source.root.entries.items() if key in Place.model_fields}
    if "broker" in wanted and wanted["broker"].entries:
        wanted["broker"] = broker_beside(path.parent, wanted["broker"])
    checked = validate(Place, replace(source.root, content=wanted), report)
    if checked is None or report.problems:
        report.fail()
    return checked.model
