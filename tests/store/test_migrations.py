"""Stores of every released Motet are read by this one; a migration happens as a whole or not at all."""

import hashlib
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from motet.model.experiment import State
from motet.store import Reader, Store
from motet.store.check import check_store
from motet.store.connect import Kind, open_writer
from motet.store.schema import APPLICATION_ID, MIGRATIONS, VERSION

RELEASED = {1: "6f92a69d", 2: "d81eb263", 3: "e17676dc", 4: "84dc1f37", 5: "bfbbc3e7"}
"""The first digits of the digest of each released schema: a migration that has been released never changes."""

RUN = ('{"uid":"s"}', '{"uid":"p","run_start":"s"}')


def old(path: Path, version: int) -> sqlite3.Connection:
    return open_writer(path, Kind("store", APPLICATION_ID, MIGRATIONS[:version]))


def digest(connection: sqlite3.Connection) -> str:
    """Of all columns of all tables: name, type (which sqlite-utils calls FLOAT or REAL), whether it may be missing, and
    its place in the key."""
    sql = (
        "SELECT m.name, p.name, REPLACE(p.type, 'FLOAT', 'REAL'), p.\"notnull\", p.pk FROM sqlite_master AS m"
        " JOIN pragma_table_info(m.name) AS p WHERE m.type = 'table' ORDER BY m.name, p.cid"
    )
    return hashlib.sha256(repr(connection.execute(sql).fetchall()).encode()).hexdigest()[:8]


def fill(connection: sqlite3.Connection, version: int) -> None:
    """A finished campaign of two experiments as a Motet of that time wrote it."""

    def insert(table: str, columns: str, *rows: Sequence[object]) -> None:
        marks = ", ".join("?" for _ in columns.split(","))
        connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608 - our own

    connection.execute("BEGIN")
    campaign = ("scan-1", "scan", 1, "twin", 7, '["a"]', '{"y":{"goal":"maximize"}}', "{}", "finished", "done", 5.0)
    insert(
        "campaigns",
        "id, name, serial, lab, seed, stations, objectives, parameters, state, reason, wall",
        campaign,
    )
    insert("versions", "campaign, distribution, version", ("scan-1", "motet", f"0.{version}"))
    text = "lab: twin\n"
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    insert("files", "sha256, text", (sha256, text))
    insert("campaign_files", "campaign, path, sha256", ("scan-1", "lab.yaml", sha256))
    insert(
        "experiments",
        'id, campaign, number, state, parameters, "values", reason, station, attempts',
        ("scan-1/1", "scan-1", 1, "done", '{"x":1.5}', '{"y":0.25}', "", "a", 2),
        ("scan-1/2", "scan-1", 2, "failed", '{"x":2.5}', "{}", "refused", "a", 1),
    )
    insert(
        "transitions",
        "experiment, change, station, attempt, reason, wall, elapsed",
        ("scan-1/1", "planned", None, 0, "", 5.0, 0.0),
        ("scan-1/1", "running", "a", 1, "", 5.5, 0.5),
        ("scan-1/1", "retried", "a", 1, "no reply", 6.0, 1.0),
        ("scan-1/1", "running", "a", 2, "", 6.5, 1.5),
        ("scan-1/1", "done", "a", 2, "", 7.0, 2.0),
        ("scan-1/2", "planned", None, 0, "", 7.0, 2.0),
        ("scan-1/2", "running", "a", 1, "", 7.5, 2.5),
        ("scan-1/2", "failed", "a", 1, "refused", 8.0, 3.0),
    )
    insert("suggestions", "experiment, score, mean, std, why", ("scan-1/1", 0.5, None, None, "random start"))
    insert("suggestions", "experiment, why", ("scan-1/2", "highest score"))
    insert(
        "documents",
        "experiment, attempt, sequence, name, uid, document",
        ("scan-1/1", 2, 0, "start", "s", RUN[0]),
        ("scan-1/1", 2, 1, "stop", "p", RUN[1]),
    )
    insert("station_changes", "campaign, station, state, cause, wall, elapsed", ("scan-1", "a", "idle", "", 5.0, 0.0))
    insert("campaign_changes", "campaign, state, reason, wall, elapsed", ("scan-1", "finished", "done", 8.5, 3.5))
    if version >= 2:
        connection.execute("UPDATE suggestions SET suggestion = '4', notes = '{\"gap\":0.5}' WHERE score IS NOT NULL")
    if version >= 3:
        connection.execute('UPDATE campaigns SET constraints = \'{"p":{"at_most":5.0}}\'')
    if version >= 4:
        insert(
            "questions",
            "campaign, number, device, text, form, within, state, answer, reason, wall, elapsed, closed_wall,"
            " closed_elapsed",
            (
                "scan-1",
                1,
                "a-scales",
                "how much?",
                '{"answer":"number"}',
                "",
                "answered",
                "2.5",
                "",
                6.0,
                1.0,
                6.5,
                1.5,
            ),
        )
    if version >= 5:
        columns = "campaign, experiment, attempt, consumable, amount, unit, wall, elapsed"
        insert("used", columns, ("scan-1", "scan-1/1", 2, "acid", -1.5, "mL", 6.5, 1.5))
    connection.execute("COMMIT")


@pytest.mark.parametrize("version", range(1, VERSION))
async def test_a_store_of_every_earlier_version_is_read_as_it_was_written(path: Path, version: int) -> None:
    with closing(old(path, version)) as connection:
        assert digest(connection) == RELEASED[version]
        fill(connection, version)
    await (await Store.open(path)).close()

    reader = Reader(path)
    assert check_store(path) == []
    detail = reader.campaign("scan")
    assert (detail.summary.done, detail.summary.failed, detail.versions) == (1, 1, {"motet": f"0.{version}"})
    assert list(detail.constraints) == (["p"] if version >= 3 else [])
    one, two = reader.experiments("scan")
    assert (one.state, one.values, one.parameters, one.lost) == (State.DONE, {"y": 0.25}, {"x": 1.5}, False)
    assert [(a.started_s, a.ended_s, a.reason, a.stage) for a in one.attempts] == [
        (0.5, 1.0, "no reply", ""),
        (1.5, 2.0, "", ""),
    ]
    assert (one.suggestion.score, one.suggestion.why) == (0.5, "random start")
    assert (one.suggestion.id, one.suggestion.notes) == (("4", {"gap": 0.5}) if version >= 2 else ("", {}))
    assert (two.state, two.reason) == (State.FAILED, "refused")
    assert [name for name, _ in reader.documents("scan-1/1")] == ["start", "stop"]
    assert reader.files("scan") == {"lab.yaml": "lab: twin\n"}
    assert [row.closed.answer for row in reader.questions("scan")] == ([2.5] if version >= 4 else [])
    assert (reader.events("scan"), reader.queue("scan")) == ([], [])
    assert reader.used("scan") == ({"acid": -1.5} if version >= 5 else {})
    assert reader.levels("twin") == {}
    assert reader.last_elapsed("scan") == 3.5


KILLED = """
import os, signal, sys
from pathlib import Path
from motet.store.connect import Kind, open_writer
from motet.store.schema import APPLICATION_ID, MIGRATIONS

def last(db):
    db.execute("PRAGMA cache_size = 1")  # so that pages go to the file before the end of the transaction
    MIGRATIONS[-1](db)
    db.execute("UPDATE transitions SET reason = 'spoilt'")
    os.kill(os.getpid(), signal.SIGKILL)

open_writer(Path(sys.argv[1]), Kind("store", APPLICATION_ID, (*MIGRATIONS[:-1], last)))
"""


async def test_a_migration_that_is_killed_leaves_the_store_as_it_was(path: Path) -> None:
    with closing(old(path, VERSION - 1)) as connection:
        fill(connection, VERSION - 1)
        before = list(connection.iterdump())
    command = [sys.executable, "-c", KILLED, str(path)]
    killed = subprocess.run(command, timeout=30, check=False, capture_output=True, text=True)  # noqa: ASYNC221
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with closing(old(path, VERSION - 1)) as connection:  # which would refuse a newer one
        assert list(connection.iterdump()) == before
    await (await Store.open(path)).close()
    assert check_store(path) == []
    assert [transition.reason for transition in Reader(path).story("scan")].count("spoilt") == 0
