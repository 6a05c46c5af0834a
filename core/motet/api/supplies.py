"""What a lab has of its consumables, looked at, filled up and counted by people from any process: over the broker of
the process that runs the lab's campaigns, else in the store."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from motet.api.control import request
from motet.api.names import SUPPLIES
from motet.api.queue import runs
from motet.api.results import store_path
from motet.api.stock_desk import StockDesk
from motet.errors import AnswerProblem, StoreError
from motet.files.lab import check_lab
from motet.files.report import Report
from motet.model.consumption import FULL, Supply
from motet.model.lab import Lab
from motet.model.values import Value
from motet.orchestration.stockroom import Stockroom, counted_as, in_unit
from motet.plugins import Registry, installed
from motet.station.latch import whoami
from motet.store import Level, Reader, Store

Hardware = Literal["real", "simulated"] | None


@dataclass(frozen=True, slots=True)
class OnHand:
    """What there is of a consumable, in its unit.

    `left` is None where the lab file states no stock, as nobody counts it then, and where it was counted in a unit of
    another kind. `level` is what is stored; None before anything was.
    """

    name: str
    supply: Supply
    left: float | None
    level: Level | None

    @property
    def is_low(self) -> bool:
        """Whether it is below what the lab file wants to be there."""
        return self.left is not None and self.left < (self.supply.refill_at or 0.0)


@dataclass(frozen=True, slots=True)
class Left:
    """How much there is of something."""

    amount: float
    unit: str

    def __str__(self) -> str:
        return f"{self.amount:g} {self.unit}".rstrip()


def look(lab: Path, data: Path, hardware: Hardware = None, registry: Registry | None = None) -> Sequence[OnHand]:
    """All consumables of a lab file, in its order. Raises FileProblems, StoreError."""
    model, supplies = _read(lab, hardware, registry)
    path = store_path(data)
    levels = Reader(path).levels(counted_as(model)) if path.is_file() else {}
    found: list[OnHand] = []
    for name, supply in supplies.items():
        level = levels.get(name)
        left = supply.stock if level is None or supply.stock is None else in_unit(level, supply.unit)
        found.append(OnHand(name, supply, left, level))
    return found


async def refill(
    lab: Path, data: Path, name: str, amount: Value = FULL, *, who: str = "", hardware: Hardware = None
) -> Left:
    """So much was added, or it is full again; how much there is then. Every campaign of the lab knows.

    Raises AnswerProblem for what is no such consumable or no amount of it; FileProblems, StoreError, and
    ConnectionProblem and NoReply when the process that runs the lab cannot be reached.
    """
    return await _change(lab, data, {"do": "refill", "name": name, "amount": amount, "who": who or whoami()}, hardware)


async def set_level(
    lab: Path, data: Path, name: str, amount: Value, *, who: str = "", hardware: Hardware = None
) -> Left:
    """There is so much of it; otherwise the same."""
    return await _change(lab, data, {"do": "set", "name": name, "amount": amount, "who": who or whoami()}, hardware)


async def _change(lab: Path, data: Path, change: Mapping[str, Any], hardware: Hardware) -> Left:
    model, supplies = await asyncio.to_thread(_read, lab, hardware, None)
    wanted = {"command": SUPPLIES, "lab": counted_as(model), **change}
    path = store_path(data)
    try:
        store = await Store.open(path)
    except StoreError as error:
        campaign = await asyncio.to_thread(_at_work, data, path, model)
        if campaign is None:
            raise StoreError(
                f"no campaign of the lab {model.lab!r} can be told, which needs a broker: {error}"
            ) from error
        _, reply = await request(data, campaign, wanted)
    else:
        try:
            room = Stockroom(store, counted_as(model), path)
            await room.open(supplies, anew=[change["name"]] if change["do"] == "set" else ())
            reply = await StockDesk(room).carry_out(wanted)
        finally:
            await store.close()
    if "error" in reply:
        raise AnswerProblem(str(reply["error"]))
    return Left(float(reply["left"]), str(reply["unit"]))


def _at_work(data: Path, path: Path, lab: Lab) -> str | None:
    """A campaign of the lab that runs, of the process that has the store, and takes requests."""
    campaigns = Reader(path).campaigns() if path.is_file() else []
    running = (one.id for one in reversed(campaigns) if one.ended is None and one.lab == lab.lab)
    return next((campaign for campaign in running if runs(data, campaign, path)), None)


def _read(path: Path, hardware: Hardware, registry: Registry | None) -> tuple[Lab, Mapping[str, Supply]]:
    """A lab file without mistakes, and its consumables."""
    report = Report()
    lab = check_lab(path, registry or installed(), report, hardware)
    if lab is None or report.problems:
        report.fail()
    return lab.file.lab, {name: supply for name, supply in (lab.supplies or {}).items() if supply is not None}
