"""The tables, and how an older store becomes a present one.

`PRAGMA user_version` counts the migrations that were applied; each runs once, in one transaction, in the
order of `MIGRATIONS`. A released migration never changes: append the next one.
"""

from collections.abc import Callable, Sequence

from sqlite_utils import Database

APPLICATION_ID = 0x4D4F5445
"""SQLite's mark of whose file it is: `MOTE`."""

_ID = {"id": int}
_AT = {"wall": float, "elapsed": float}


def _first(db: Database) -> None:
    _table(
        db,
        "campaigns",
        {"id": str, "name": str, "serial": int, "lab": str, "seed": int, "stations": str, "objectives": str}
        | {"parameters": str, "state": str, "reason": str, "wall": float},
        pk="id",
    )
    db.table("campaigns").create_index(["name", "serial"], unique=True)
    _table(
        db,
        "versions",
        {"campaign": str, "distribution": str, "version": str},
        pk=("campaign", "distribution"),
    )
    _table(db, "files", {"sha256": str, "text": str}, pk="sha256")
    files = [("campaign", "campaigns", "id"), ("sha256", "files", "sha256")]
    _table(
        db,
        "campaign_files",
        {"campaign": str, "path": str, "sha256": str},
        pk=("campaign", "path"),
        foreign=files,
    )
    _table(
        db,
        "experiments",
        {"id": str, "campaign": str, "number": int, "state": str, "parameters": str, "values": str}
        | {"reason": str, "station": str, "attempts": int},
        pk="id",
        optional={"values", "station"},
    )
    db.table("experiments").create_index(["campaign", "number"], unique=True)
    _table(
        db,
        "transitions",
        _ID | {"experiment": str, "change": str, "station": str, "attempt": int, "reason": str} | _AT,
        optional={"station"},
    )
    db.table("transitions").create_index(["experiment"])
    scores = {"score", "mean", "std"}
    _table(
        db,
        "suggestions",
        {"experiment": str, "score": float, "mean": float, "std": float, "why": str},
        pk="experiment",
        optional=scores,
    )
    _table(
        db,
        "documents",
        {"experiment": str, "attempt": int, "sequence": int, "name": str, "uid": str, "document": str},
        pk=("experiment", "attempt", "sequence"),
        optional={"uid"},
    )
    _table(db, "station_changes", _ID | {"campaign": str, "station": str, "state": str, "cause": str} | _AT)
    db.table("station_changes").create_index(["campaign"])
    _table(db, "campaign_changes", _ID | {"campaign": str, "state": str, "reason": str} | _AT)
    db.table("campaign_changes").create_index(["campaign"])


def _suggestions(db: Database) -> None:
    """Ids of suggestions, what kept a learner from using its model, and what stop rules noted."""
    table = db.table("suggestions")
    for column, default in (("suggestion", ""), ("problem", ""), ("notes", "{}")):
        table.add_column(column, str, not_null_default=default)


def _constraints(db: Database) -> None:
    """The bounds that other numbers than the objectives have to keep."""
    db.table("campaigns").add_column("constraints", str, not_null_default="{}")


def _questions(db: Database) -> None:
    """What steps asked people, and what became of it."""
    closed = {"answer", "closed_wall", "closed_elapsed"}
    _table(
        db,
        "questions",
        {"campaign": str, "number": int, "device": str, "experiment": str, "text": str, "form": str, "within": str}
        | {"state": str, "answer": str, "reason": str}
        | _AT
        | {"closed_wall": float, "closed_elapsed": float},
        pk=("campaign", "number"),
        optional={"experiment", *closed},
    )


def _weeks(db: Database) -> None:
    """What campaigns of weeks need: the stage an experiment ran in, whether its station was lost; what happens beside
    experiments; experiments that people add; what is used up."""
    db.table("transitions").add_column("stage", str, not_null_default="")
    db.table("experiments").add_column("lost", int, not_null_default=0)
    campaign = _ID | {"campaign": str}
    _table(db, "events", campaign | {"kind": str, "about": str, "text": str, "data": str} | _AT)
    _table(
        db,
        "queue",
        campaign
        | {"position": float, "parameters": str, "why": str, "who": str, "state": str, "experiment": str}
        | _AT,
        optional={"experiment"},
    )
    _table(
        db,
        "used",
        campaign | {"experiment": str, "attempt": int, "consumable": str, "amount": float, "unit": str} | _AT,
        optional={"experiment"},
    )
    for table in ("events", "queue", "used"):
        db.table(table).create_index(["campaign"])


def _levels(db: Database) -> None:
    """Consumables are counted for the lab: what is left after each change, and who filled them up. A change need not
    belong to a campaign any more."""
    db.rename_table("used", "used_before")
    was = {"campaign": str, "experiment": str, "attempt": int, "consumable": str, "amount": float, "unit": str}
    new = {"lab": str, "level": float, "who": str}
    _table(db, "used", _ID | was | _AT | new, optional={"campaign", "experiment", "level"})
    columns = ", ".join((*_ID, *was, *_AT))
    db.execute(f"INSERT INTO used ({columns}, lab, who) SELECT {columns}, '', '' FROM used_before")  # noqa: S608 - ours
    db.table("used_before").drop()
    db.table("used").create_index(["campaign"])
    db.table("used").create_index(["lab", "consumable"])


MIGRATIONS: Sequence[Callable[[Database], None]] = (_first, _suggestions, _constraints, _questions, _weeks, _levels)
VERSION = len(MIGRATIONS)


def _table(
    db: Database,
    name: str,
    columns: dict[str, type],
    pk: str | tuple[str, ...] = "id",
    foreign: list[tuple[str, str, str]] | None = None,
    optional: set[str] | None = None,
) -> None:
    """A table whose columns are all needed but the `optional` ones; `campaign` and `experiment` refer to
    theirs."""
    parents = [(column, f"{column}s", "id") for column in ("campaign", "experiment") if column in columns]
    keys = {pk} if isinstance(pk, str) else set(pk)
    db.table(name).create(
        columns,
        pk=pk,
        foreign_keys=parents if foreign is None else foreign,
        not_null=set(columns) - (optional or set()) - keys,
    )
