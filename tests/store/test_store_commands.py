"""`motet store check` and `motet store backup`, on a store as a program left it."""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from motet.cli.app import app
from motet.store import CampaignRecord, Reader, Store


@pytest.fixture
async def data(path: Path, record: CampaignRecord) -> Path:
    store = await Store.open(path)
    await store.new_campaign(record)
    await store.close()
    return path.parent


def motet(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["store", *map(str, arguments)])


def test_a_sound_store_is_said_to_be(data: Path) -> None:
    found = motet("check", "--data", data)
    assert (found.exit_code, found.stdout) == (0, f"{data}/motet.db: sound\n")
    assert json.loads(motet("check", "--data", data, "--json").stdout) == {"ok": True, "findings": []}


def test_faults_are_one_line_each_and_exit_code_4(data: Path) -> None:
    with closing(sqlite3.connect(data / "motet.db")) as connection:
        connection.execute("UPDATE campaigns SET state = 'running'")
        connection.execute("UPDATE files SET text = 'other'")
        connection.commit()
    found = motet("check", "--data", data)
    assert found.exit_code == 4
    assert [line.partition(":")[0] for line in found.stdout.splitlines()] == [
        "campaign.yaml",
        "lab.yaml",
        "scan-1",
    ]
    facts = json.loads(motet("check", "--data", data, "--json").stdout)
    assert (facts["ok"], facts["findings"][2]["about"]) == (False, "scan-1")


def test_a_backup_has_the_time_in_its_name_and_can_be_checked(data: Path) -> None:
    day = time.strftime("%Y%m%d")
    made = motet("backup", "--data", data)
    (copy,) = (data / "backups").iterdir()
    assert (made.exit_code, made.stdout) == (0, f"{copy}\n")
    assert copy.name.startswith(("motet-" + day, "motet-" + time.strftime("%Y%m%d")))
    assert motet("check", copy).exit_code == 0
    assert [summary.id for summary in Reader(copy).campaigns()] == ["scan-1"]
    again = motet("backup", copy, "--data", data)
    assert again.exit_code == 2
    assert "a backup never replaces one" in again.stderr


def test_without_a_store_the_folder_is_named(tmp_path: Path) -> None:
    for command in ("check", "backup"):
        found = motet(command, "--data", tmp_path)
        assert found.exit_code == 2
        assert f"{tmp_path}/motet.db: no such store" in found.stderr
