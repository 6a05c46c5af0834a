"""A campaign's queue, and results measured by hand, from any process: over the broker of the process that runs the
campaign, else in the store."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.api.control import request
from motet.api.names import CONTROL_FILE, QUEUE, TELL
from motet.api.results import store_path
from motet.errors import AnswerProblem, NotFound, StoreError
from motet.model.queue import QueueMode
from motet.model.values import Value
from motet.store import CampaignDetail, QueueRow, Reader, Store

Written = Mapping[str, Value]
"""A point or a result as a person writes it: numbers, or text such as `5 mm`."""


@dataclass(frozen=True, slots=True)
class QueueView:
    """A campaign's queue as stored: everything that was ever in it, by its place, and when it is run."""

    campaign: CampaignDetail
    rows: Sequence[QueueRow]
    mode: QueueMode


def look(data: Path, campaign: str) -> QueueView:
    """The queue of a campaign, by its id, or its name for the newest. Raises NotFound, StoreError."""
    reader = Reader(store_path(data))
    detail = reader.campaign(campaign)
    identity = detail.summary.id
    return QueueView(detail, reader.queue(identity), reader.queue_mode(identity))


async def add(
    data: Path,
    campaign: str,
    points: Sequence[Written],
    *,
    priority: int = 0,
    front: bool = False,
    why: str = "",
    who: str = "",
) -> Sequence[int]:
    """Queue experiments, all or none; their numbers in the queue.

    Like the functions below it raises AnswerProblem for what cannot be done, with what is allowed and why; NotFound,
    StoreError, and ConnectionProblem and NoReply when the process that runs the campaign cannot be reached.
    """
    body = {"points": [dict(point) for point in points], "priority": priority, "front": front, "why": why, "who": who}
    return (await _queue(data, campaign, "add", body))["numbers"]


async def edit(data: Path, campaign: str, number: int, parameters: Written) -> None:
    """Change some parameters of an experiment that waits."""
    await _queue(data, campaign, "edit", {"number": number, "parameters": dict(parameters)})


async def move(data: Path, campaign: str, number: int, place: int) -> None:
    """Give an experiment that waits another place in the line, from 1."""
    await _queue(data, campaign, "move", {"number": number, "place": place})


async def cancel(data: Path, campaign: str, numbers: Sequence[int]) -> None:
    """Take experiments that wait out of the queue, all or none."""
    await _queue(data, campaign, "cancel", {"numbers": list(numbers)})


async def set_mode(data: Path, campaign: str, mode: QueueMode) -> None:
    """When queued experiments are run, from now on."""
    await _queue(data, campaign, "mode", {"mode": mode})


async def tell(
    data: Path, campaign: str, results: Sequence[tuple[Written, Written]], *, why: str = "", who: str = ""
) -> Sequence[int]:
    """Tell the learner what was measured by hand, points with values, all or none; the numbers of the experiments."""
    written = [{"parameters": dict(point), "values": dict(values)} for point, values in results]
    return (await _ask(data, campaign, {"command": TELL, "results": written, "why": why, "who": who}))["experiments"]


def read_csv(path: Path) -> list[Written]:
    """The rows of a CSV file with a line of names; empty cells are left out. Raises AnswerProblem, OSError."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            return list(_rows(path, csv.reader(file, strict=True)))
        except (csv.Error, UnicodeDecodeError) as error:
            raise AnswerProblem(f"{path}: is no CSV file: {error}") from None


def _rows(path: Path, lines: Iterable[list[str]]) -> Iterable[Written]:
    there = [[cell.strip() for cell in cells] for cells in lines if any(cell.strip() for cell in cells)]
    if len(there) < 2:
        raise AnswerProblem(f"{path}: a line of names, then a line for each point are needed")
    names, *rows = there
    twice = sorted({name for name in names if names.count(name) > 1 or not name})
    if twice:
        raise AnswerProblem(f"{path}: each column needs a name of its own; there more than once, or empty: {twice}")
    for place, cells in enumerate(rows, 1):
        if len(cells) != len(names):
            raise AnswerProblem(f"{path}: point {place} has {len(cells)} cells; {len(names)} are needed, one a column")
        yield {name: cell for name, cell in zip(names, cells, strict=True) if cell}


async def _queue(data: Path, campaign: str, do: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    return await _ask(data, campaign, {"command": QUEUE, "do": do, **body})


async def _ask(data: Path, campaign: str, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """The reply of the process that runs the campaign; where none does, it is done in the store."""
    reader = Reader(store_path(data))
    identity = _not_ended(reader, campaign)
    try:
        store = await Store.open(reader.path)
    except StoreError as error:
        if not runs(data, identity, reader.path):
            raise StoreError(f"campaign {identity} does not run, or its lab has no broker: {error}") from error
        _, reply = await request(data, identity, wanted)
    else:
        try:
            reply = await _in_store(store, reader, _not_ended(reader, identity), wanted)
        finally:
            await store.close()
    if "error" in reply:
        raise AnswerProblem(f"campaign {identity}: {reply['error']}")
    return reply


async def _in_store(store: Store, reader: Reader, campaign: str, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    from motet.api.stored import in_store  # needs what a campaign needs, which takes its time

    try:
        return await in_store(store, reader, campaign, wanted)
    except (AnswerProblem, NotFound) as error:
        raise type(error)(f"campaign {campaign}: {error}") from None


def _not_ended(reader: Reader, campaign: str) -> str:
    """The id of a campaign that may go on. Raises AnswerProblem."""
    one = reader.campaign(campaign).summary
    if one.ended is not None:
        reason = f" ({one.reason})" if one.reason else ""
        raise AnswerProblem(f"campaign {one.id}: it has ended: {one.state}{reason}")
    return one.id


def runs(data: Path, identity: str, store: Path) -> bool:
    """Whether the process that writes to the store runs this campaign and takes requests."""
    control, lock = data / identity / CONTROL_FILE, store.with_name(store.name + ".lock")
    try:
        return json.loads(control.read_text())["pid"] == int(lock.read_text())
    except (OSError, ValueError):
        return False
