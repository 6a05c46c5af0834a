"""The commands and requests of the how-to about the dashboard are what Motet takes."""

import json
import re
import shlex
from pathlib import Path

import typer.main

from motet.cli.app import app
from motet.web.access import SHORTEST, is_loopback
from motet.web.app import Clear, Press

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "watch-a-lab.md").read_text()


def test_the_commands_take_these_options() -> None:
    commands = re.findall(r"^(?:    )?(motet dashboard .*)$", PAGE, re.MULTILINE)
    made = [typer.main.get_group(app).commands["dashboard"].make_context("d", shlex.split(one)[2:]) for one in commands]
    assert [str(one.params["lab"]) for one in made] == ["lab.yaml", "lab.yaml"]
    assert [is_loopback(one.params["host"]) for one in made] == [True, False]
    assert made[0].params["port"] == 8420
    assert "127.0.0.1:8420/" in PAGE
    assert SHORTEST <= 2 * 16, "what `openssl rand -hex 16` prints is long enough"


def test_the_requests_are_what_the_api_takes() -> None:
    press, clear = (json.loads(one) for one in re.findall(r"`(\{.*?\})`", PAGE))
    assert Press.model_validate(press).reason == "smoke"
    assert Clear.model_validate(clear).seen
