"""The how-to guide to a secured broker: its commands, rules and settings, run with a real mosquitto."""

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from motet.api.broker import address
from motet.bus import Address, Bus, Message
from motet.errors import ConnectionProblem
from motet.files.lab import load_lab
from motet.plugins import installed
from motet_testing.certificates import openssl
from motet_testing.mosquitto import Mosquitto, StartMosquitto

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "secure-the-broker.md"
STATIONS = "\nlab: bench\nstations: {a: {devices: {lamp: {driver: tasmota, topic: lab/lamp}}}}\n"
ENV = {"MOTET_MQTT_PASSWORD": "for the lab", "NODE_PASSWORD": "for the node"}
PATIENCE_S = 20


def _blocks(language: str, folder: Path) -> list[str]:
    """The page's blocks, for a broker on this computer with its files in one folder."""
    text = PAGE.read_text().replace("broker.lab", "localhost")
    text = text.replace("/etc/mosquitto", str(folder)).replace("/var/lib/mosquitto", str(folder))
    text = text.replace("listener 8883", "listener {port} 127.0.0.1")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder where the page's commands were given."""
    if openssl() is None or shutil.which("mosquitto_passwd") is None:
        pytest.skip("openssl or mosquitto_passwd not found: apt-get install openssl mosquitto")
    for commands in _blocks("sh", tmp_path):
        command = ["sh", "-e", "-c", commands]
        env = os.environ | ENV
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
    (rules,) = _blocks("acl", tmp_path)
    (tmp_path / "rules").touch(mode=0o600)
    (tmp_path / "rules").write_text(rules)
    return tmp_path


def _config(folder: Path, certificates: bool) -> str:
    settings, more = _blocks("conf", folder)
    if certificates:
        settings = "\n".join(line for line in settings.splitlines() if not line.startswith("password_file"))
        settings = f"{settings}\n{more}"
    as_root = "user root\n" if os.geteuid() == 0 else ""  # it may read the test's folder then
    return f"{settings}\n{as_root}log_dest stderr\nlog_type all\n"


async def _lab(folder: Path, block: int, broker: Mosquitto) -> Address:
    """How the lab file on the page gets to the broker."""
    text = _blocks("yaml", folder)[block].replace("mqtts://localhost", f"mqtts://localhost:{broker.port}")
    (folder / "lab.yaml").write_text(text + STATIONS)
    return await address(load_lab(folder / "lab.yaml", installed(), "real").lab.broker)


async def _heard(bus: Bus, topics: list[str], last: str, other: Bus | None = None) -> list[str]:
    """Which of some topics this one hears when it, or another, speaks on all of them."""
    seen = asyncio.Queue[Message]()
    listening = [await bus.subscribe(topic, seen.put_nowait) for topic in (*topics, last)]
    for topic in (*topics, last):
        await (other or bus).publish(topic, "1")
    heard = list[str]()
    async with asyncio.timeout(PATIENCE_S):
        while not heard or heard[-1] != last:
            heard.append((await seen.get()).topic)
    for one in listening:
        await one.cancel()
    return heard[:-1]


async def test_users_come_in_by_their_passwords_and_keep_to_the_rules(
    folder: Path, start_mosquitto: StartMosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = start_mosquitto(config=_config(folder, certificates=False))
    monkeypatch.delenv("MOTET_MQTT_PASSWORD", raising=False)
    with pytest.raises(ConnectionProblem, match="the environment variable MOTET_MQTT_PASSWORD, which is not set"):
        await _lab(folder, 0, broker)
    monkeypatch.setenv("MOTET_MQTT_PASSWORD", ENV["MOTET_MQTT_PASSWORD"])
    lab = await _lab(folder, 0, broker)
    node = Address.parse(broker_url(broker), user="potentiostat", password=ENV["NODE_PASSWORD"], ca=folder / "ca.pem")
    mine = ["motet/bench/estop", "motet/bench/station/a/state", "motet/bench/test-1/control/reply"]
    async with asyncio.timeout(PATIENCE_S), Bus(lab, client_id="lab") as bus, Bus(node, client_id="node") as other:
        assert await _heard(bus, [*mine, "motet/other/estop"], "lab/potentiostat/state") == mine
        assert await _heard(bus, mine, "lab/potentiostat/state", other) == []
        assert await _heard(other, mine, "lab/potentiostat/state", bus) == []
    assert "Denied PUBLISH" in broker.log


async def test_stations_come_in_by_their_certificates_and_keep_to_the_rules(
    folder: Path, start_mosquitto: StartMosquitto
) -> None:
    broker = start_mosquitto(config=_config(folder, certificates=True))
    addresses = dict[str, Address]()
    for name in ("motet", "synthesis"):
        place = folder / name
        place.mkdir()
        for source, target in ((f"{name}.pem", "station.pem"), (f"{name}.key", "station.key"), ("ca.pem", "ca.pem")):
            shutil.copy(folder / source, place / target)
        addresses[name] = await _lab(place, 1, broker)
    last = "motet/bench/station/synthesis/state"
    async with (
        asyncio.timeout(PATIENCE_S),
        Bus(addresses["motet"], client_id="lab") as bus,
        Bus(addresses["synthesis"], client_id="synthesis") as station,
    ):
        topics = ["motet/bench/estop", "motet/bench/station/analysis/state"]
        assert await _heard(station, topics, last, bus) == topics[:1]
        assert await _heard(bus, topics, last, station) == topics[:1]
        assert await _heard(bus, topics, last) == topics


def broker_url(broker: Mosquitto) -> str:
    """The page's configuration speaks TLS."""
    return f"mqtts://localhost:{broker.port}"


def test_the_messages_of_the_page_are_those_of_the_code() -> None:
    code = "".join(
        (Path(__file__).parents[2] / "core" / "motet" / place).read_text()
        for place in ("bus/causes.py", "bus/client.py", "api/broker.py")
    )
    rows = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text().partition("| message |")[2], re.MULTILINE)
    assert len(rows) == 10
    for row in rows:
        for part in re.split(r"'[\w.]+'|\.\.\.|: does", row):
            assert part.strip(" :") in code, part
