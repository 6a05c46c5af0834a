"""`motet list`, `show`, `report`, `export`, `check`, `schema`, `plugins`."""

import csv
import io
import json
import subprocess
import sys
from typing import Any

import pytest


def test_list_and_show_tell_what_there_is(ran: Any) -> None:
    listed = ran.here("list").stdout
    assert "twin_sdc-1" in listed
    assert "finished" in listed
    shown = ran.here("show", "twin_sdc").stdout
    assert "4 experiments, 0 failed" in shown
    assert "random start" in shown
    facts = json.loads(ran.here("show", "twin_sdc", "--json").stdout)
    assert len(facts["experiments"]) == 4
    (one,) = json.loads(ran.here("list", "--json").stdout)
    assert one["id"] == facts["id"] == "twin_sdc-1"


def test_the_samples_are_shown_with_their_places(ran: Any) -> None:
    table = ran.here("show", "twin_sdc", "--samples").stdout
    assert "twin_sdc-1/1" in table
    assert "sdc1" in table
    (one,) = json.loads(ran.here("show", "twin_sdc", "2", "--samples", "--json").stdout)
    assert (one["id"], one["place"], one["state"]) == ("twin_sdc-1/2", one["history"][-1]["station"], "done")


def test_export_goes_to_standard_output_or_a_file(ran: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(ran.here("export", "twin_sdc").stdout)))
    assert [row["number"] for row in rows] == ["1", "2", "3", "4"]
    ran.here("export", "twin_sdc", "--format", "jsonl", "--out", "rows.jsonl")
    lines = (ran.folder / "rows.jsonl").read_text().splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["done"] * 4


def test_report_prints_where_it_is(ran: Any) -> None:
    path = ran.here("report", "twin_sdc", "--out", "page.html").stdout.strip()
    assert "twin_sdc-1" in (ran.folder / path).read_text()


@pytest.mark.parametrize(
    ("arguments", "needle"),
    [
        (("show", "twin_sbc"), "twin_sdc"),
        (("export", "twin_sdc", "--format", "exel"), "csv"),
        (("report", "other"), "other"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(ran: Any, arguments: tuple[str, ...], needle: str) -> None:
    done = ran.here(*arguments)
    assert done.returncode == 2
    assert needle in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_without_a_store_is_named(twin: Any) -> None:
    done = twin.here("list")
    assert done.returncode == 2
    assert "motet.db" in done.stderr


def test_check_shows_the_steps_and_touches_nothing(twin: Any) -> None:
    done = twin.here("check", "campaign.yaml")
    assert done.returncode == 0, done.stderr
    assert "441 points" in done.stdout
    assert "stage.move_by {z: -0.02 mm}" in done.stdout
    assert not twin.data.exists()
    assert twin.here("check", "lab.yaml").returncode == 0
    facts = json.loads(twin.here("check", "campaign.yaml", "--json").stdout)
    assert facts["ok"]
    assert facts["points"] == 441


def test_every_mistake_is_reported_at_once_with_file_and_line(twin: Any) -> None:
    twin.change("lab.yaml", "potentiostat.measure:", "potentiostat.mesure:")
    twin.change("campaign.yaml", "random_forest", "randomforest")
    done = twin.here("run", "campaign.yaml")
    assert done.returncode == 2
    assert "did you mean" in done.stderr
    for part in ("lab.yaml:", "campaign.yaml:", "mesure", "random_forest"):
        assert part in done.stderr
    problems = json.loads(twin.here("check", "campaign.yaml", "--json").stdout)["problems"]
    assert {problem["file"] for problem in problems} == {"lab.yaml", "campaign.yaml"}


@pytest.mark.parametrize("kind", ["lab", "campaign"])
def test_schema_is_json_for_editors(twin: Any, kind: str) -> None:
    schema = json.loads(twin.here("schema", kind).stdout)
    assert kind in schema["properties"]


def test_plugins_lists_every_kind_with_its_distribution(twin: Any) -> None:
    found = json.loads(twin.here("plugins", "--json").stdout)
    assert found["problems"] == []
    by_name = {(item["kind"], item["name"]): item for item in found["plugins"]}
    assert by_name["driver", "owis_ps90"]["distribution"] == "motet"
    assert all(item["doc"] and item["version"] for item in found["plugins"])
    assert "owis_ps90" in twin.here("plugins").stdout
    worlds = json.loads(twin.here("plugins", "--kind", "world", "--json").stdout)["plugins"]
    assert {item["kind"] for item in worlds} == {"world"}
    assert "schwefel_plate" in {item["name"] for item in worlds}
    refused = twin.here("plugins", "--kind", "wrold")
    assert refused.returncode == 2
    assert "'wrold' is no kind of plugin; allowed: driver, simulator, world" in " ".join(
        refused.stderr.replace("│", " ").split()
    )


def test_help_has_headings_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from motet.cli.app import app\n"
        "app(['--help'], standalone_mode=False)\n"
        "heavy = {'numpy', 'pydantic', 'bluesky', 'ophyd_async', 'sklearn', 'sqlite_utils', 'plotly', 'aiomqtt'}\n"
        "heavy |= {'rich', 'markdown_it', 'pygments'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    *shown, heavy = done.stdout.splitlines()
    assert heavy == "[]"
    headings = [shown.index(f"{name}:") for name in ("Prepare", "Run", "Look")]
    commands = [
        next(n for n, line in enumerate(shown) if line.startswith(f"  {name} ")) for name in ("new", "run", "list")
    ]
    assert headings[0] < commands[0] < headings[1] < commands[1] < headings[2] < commands[2]


def test_a_data_folder_that_cannot_be_is_one_message(twin: Any) -> None:
    (twin.folder / "taken").write_text("a file")
    done = twin.here("run", "campaign.yaml", "--data", "taken")
    assert done.returncode == 2
    assert "taken" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_knows_a_lab_by_its_keys_and_a_duplicate_key_hides_nothing(twin: Any) -> None:
    twin.change("lab.yaml", "stations:\n", "sations:\n")
    done = twin.here("check", "lab.yaml")
    assert done.returncode == 2
    assert "stations" in done.stderr
    assert "objectives" not in done.stderr
    twin.change("campaign.yaml", "procedure: measure_point", "procedure: measure_point\nprocedure: other\nbudgets: {}")
    done = twin.here("check", "campaign.yaml")
    assert "budgets" in done.stderr
    assert "procedure" in done.stderr


def test_a_piped_list_has_whole_names(ran: Any) -> None:
    first = ran.here("list").stdout
    assert "twin_sdc-1" in first
    assert all("…" not in line for line in first.splitlines())


def test_check_takes_a_procedure_file_too(twin: Any) -> None:
    path = twin.folder / "dip.yaml"
    path.write_text("parameters: {x: mm}\nsteps:\n  - stage.move: {x: $x}\n  - wait: 2 s\n")
    done = twin.here("check", "dip.yaml")
    assert (done.returncode, "2 steps" in done.stdout) == (0, True), done.stderr
    path.write_text("parameters: {x: mn}\nsteps:\n  - wait: 2 s\ncleanups: []\n")
    done = twin.here("check", "dip.yaml")
    assert done.returncode == 2
    assert "dip.yaml:4" in done.stderr
    assert "cleanup" in done.stderr
