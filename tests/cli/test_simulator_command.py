"""`motet simulator`: a program of somebody else finds the instrument at the place it was told."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial
from typer.testing import CliRunner

from motet.bus import Bus, Message
from motet.cli.app import app

PATIENCE_S = 30


@contextmanager
def served(*arguments: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """The running command, and where it says its instrument is."""
    command = [sys.executable, "-m", "motet", "simulator", *arguments, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            yield process, json.loads(line)["where"]
        finally:
            process.kill()


def ask(url: str, request: bytes) -> bytes:
    with serial.serial_for_url(url, baudrate=9600, timeout=5) as port:
        port.write(request)
        return port.read_until(b"\r")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_a_serial_port_for_any_program_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    link = tmp_path / "stage"
    with served("owis_ps90", "--pty", str(link), "--set", "serial_number='12345678'") as (process, where):
        assert where == str(link)
        assert ask(where, b"?SERNUM\r") == b"12345678\r"
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0
    assert not link.is_symlink()


def test_it_is_on_tcp(free_port: int) -> None:
    with served("owis_ps90", "--tcp", str(free_port)) as (_, where):
        assert where == f"socket://127.0.0.1:{free_port}"
        assert b"PS90" in ask(where, b"?VERSION\r")


async def test_it_is_a_node_at_a_broker(mosquitto: str) -> None:
    answers = asyncio.Queue[Message]()
    arguments = ("potentiostat_node", "--mqtt", mosquitto, "--topic", "lab/potentiostat", "--set", "model=PN-7")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "motet", "simulator", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE_S), Bus(mosquitto, client_id="test") as bus:
            assert process.stdout is not None
            assert b"potentiostat_node is at lab/potentiostat at 127.0.0.1" in await process.stdout.readline()
            await bus.subscribe("lab/potentiostat/reply", answers.put_nowait)
            await bus.publish("lab/potentiostat/command", json.dumps({"id": "1", "command": "identify"}))
            assert json.loads((await answers.get()).payload)["model"] == "PN-7"
    finally:
        process.kill()
        await process.communicate()


def test_what_it_measures_is_its_world(tmp_path: Path) -> None:
    file = tmp_path / "measured.csv"
    file.write_text("x,mass\n0,12.5\n")
    options = ("--world", "table", "--world-set", f"file={file}", "--world-set", "inputs=[x]")
    with served(
        "mt_sics", "--pty", str(tmp_path / "b"), *options, "--world-set", "outputs=[mass]", "--speed", "100"
    ) as (
        _,
        where,
    ):
        assert b"12.5" in ask(where, b"S\r\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("owis",), 2, "no simulator named 'owis'; did you mean owis_ps90?"),
        (
            ("owis_ps90", "--set", "tarvel=1"),
            2,
            "simulator owis_ps90: tarvel: Extra inputs are not permitted (options:",
        ),
        (("owis_ps90", "--set", "start"), 2, "--set 'start': OPTION=VALUE is needed"),
        (("owis_ps90", "--pty", "a", "--tcp", "0"), 2, "--pty and --tcp: only one of"),
        (("owis_ps90", "--mqtt", "mqtt://localhost"), 2, "is on a serial line: --pty LINK or --tcp PORT is needed"),
        (("potentiostat_node",), 2, "is on MQTT: --mqtt URL and --topic TOPIC are needed"),
        (("manual",), 2, "the simulator 'manual' has no wire"),
        (("owis_ps90", "--world", "plate"), 2, "no world named 'plate'"),
        (("owis_ps90", "--tcp", "0", "--baudrate", "9600"), 2, "--baudrate paces a pseudo-terminal"),
        (("owis_ps90", "--topic", "lab/node"), 2, "--topic goes with --mqtt"),
        (("tasmota", "--mqtt", "mqtt://127.0.0.1:1", "--topic", "lab/#"), 2, "topic 'lab/#': that of one node"),
        (("ascii",), 2, "simulator ascii: either `file`"),
    ],
)
def test_mistakes_are_told_in_one_line(arguments: tuple[str, ...], code: int, message: str) -> None:
    done = CliRunner().invoke(app, ["simulator", *arguments])
    assert done.exit_code == code
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr


def test_a_place_that_is_taken_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "port"
    taken.write_text("mine")
    done = CliRunner().invoke(app, ["simulator", "owis_ps90", "--pty", str(taken)])
    assert done.exit_code == 3
    assert f"{taken} exists already" in done.stderr
    assert taken.read_text() == "mine"
