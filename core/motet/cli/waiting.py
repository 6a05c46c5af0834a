"""How a campaign's queue, and what happened in it, are listed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from motet.cli.text import clock, moment, number, point
from motet.model.queue import MODE, QueueState
from motet.store import CampaignDetail, EventRow, QueueRow

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = 10
"""So many of what waits, and of what happened last, are shown with a campaign."""

_OWN = ("began", "step begun", MODE)
"""Kinds of events that are no news to people."""


def table(rows: Sequence[QueueRow], detail: CampaignDetail) -> "Table":
    """Entries of a queue, as a table."""
    from rich.table import Table

    units = {name: f" / {unit}" if (unit := fields.get("unit")) else "" for name, fields in detail.parameters.items()}
    state = any(row.state is not QueueState.QUEUED for row in rows)
    heads = [*(["state", "experiment"] if state else []), *(f"{name}{units[name]}" for name in units)]
    made = Table("queued as", *heads, "why", "who", "since")
    for row in rows:
        where = [number(row.entry.parameters.get(name, "")) for name in units]
        became = [str(row.state), (row.experiment or "").rpartition("/")[2]] if state else []
        made.add_row(str(row.number), *became, *where, row.entry.why, row.entry.who, moment(row.at.wall))
    return made


def as_dict(row: QueueRow) -> dict[str, Any]:
    """An entry for programs; time of its last change in seconds since 1970."""
    entry = row.entry
    return {
        "number": row.number,
        "state": row.state,
        "experiment": row.experiment,
        "parameters": dict(entry.parameters),
        "why": entry.why,
        "who": entry.who,
        "changed": row.at.wall,
    }


def event_dict(row: EventRow) -> dict[str, Any]:
    """Something that happened, for programs; its time in seconds since 1970, and since the campaign's start."""
    return {
        "kind": row.kind,
        "about": row.about,
        "text": row.text,
        "data": dict(row.data),
        "at": row.at.wall,
        "elapsed_s": row.at.elapsed,
    }


def news(rows: Sequence[EventRow]) -> list[EventRow]:
    """What happened that people want to know of: interlocks, an emergency stop, refills, trouble of the store."""
    return [row for row in rows if row.kind not in _OWN]


def print_queue(rows: Sequence[QueueRow], mode: str, detail: CampaignDetail) -> None:
    """What `motet show` says of the queue: what waits, or what never began."""
    waiting = [row for row in rows if row.state is QueueState.QUEUED]
    if not waiting:
        return
    units = {name: str(fields.get("unit") or "") for name, fields in detail.parameters.items()}
    over = detail.summary.ended is not None
    print(f"queue    {len(waiting)} {'never began' if over else f'wait, to be run {mode}'}")
    for row in waiting[:SHOWN]:
        by = f" by {row.entry.who}" if row.entry.who else ""
        why = f": {row.entry.why}" if row.entry.why else ""
        print(f"         {row.number} {point(row.entry.parameters, units)}{f', queued{by}{why}' if by or why else ''}")
    if len(waiting) > SHOWN:
        print(f"         and {len(waiting) - SHOWN} more; `motet queue list {detail.summary.id}` lists all")


def print_events(rows: Sequence[EventRow], campaign: str) -> None:
    """What `motet show` says of what happened beside experiments: the last things."""
    found = news(rows)
    for row in found[-SHOWN:]:
        print(f"happened {clock(row.at.elapsed)} {event_text(row)}")
    if len(found) > SHOWN:
        print(f"         and {len(found) - SHOWN} things before; `motet show {campaign} --json` has all")


def event_text(row: EventRow) -> str:
    """`interlock tripped cell1.hot: temperature is 85 degC`."""
    return " ".join(filter(None, (row.kind, row.about))) + (f": {row.text}" if row.text else "")
