"""The way from a lab file to its broker."""

import asyncio
from pathlib import Path

import pytest

from motet.api.broker import address
from motet.api.setting import Setting
from motet.bus import Address
from motet.errors import ConnectionProblem
from motet.model.broker import Broker, Secret
from motet.model.lab import Lab
from motet.station.station import Engine

VARIABLE = "MOTET_TEST_PASSWORD"


async def test_the_password_comes_from_a_variable_or_the_first_line_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "word"
    file.write_text("from the file\n# not this\n")
    monkeypatch.setenv(VARIABLE, "from the variable")
    for secret, password in ((Secret(file=file), "from the file"), (Secret(env=VARIABLE), "from the variable")):
        broker = Broker(url="mqtts://b", user="ann", password=secret, ca=tmp_path / "ca.pem", keepalive="1 min")
        found = await address(broker)
        assert found == Address("b", 8883, True, "ann", password, tmp_path / "ca.pem", keepalive=60)
        assert password not in f"{broker!r} {found!r} {found.url} {broker.model_dump_json()}"


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file or directory"), (b"\n", "which is empty"), (b"\xff\xfe", "it is no text")],
)
async def test_a_password_that_is_not_there_is_a_problem_of_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, said: str
) -> None:
    file = tmp_path / "word"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConnectionProblem, match=rf"mqtt://b: the password of 'ann' is in the file .*word.*{said}"):
        await address(Broker(url="mqtt://b", user="ann", password=Secret(file=file)))
    for value in (None, ""):
        monkeypatch.delenv(VARIABLE, raising=False) if value is None else monkeypatch.setenv(VARIABLE, value)
        with pytest.raises(ConnectionProblem, match=rf"in the environment variable {VARIABLE}, which is not set"):
            await address(Broker(url="mqtt://b", user="ann", password=Secret(env=VARIABLE)))


async def test_two_who_use_one_lab_from_one_process_do_not_throw_one_another_out(mosquitto: str) -> None:
    """Nor do two with one process number, in containers: a broker has one client of each name."""

    async def never() -> Engine:
        raise AssertionError

    cell = {"devices": {"pump": {"driver": "ne1000", "line": "/dev/null"}}}
    lab = Lab.model_validate({"lab": "bench", "broker": mosquitto, "stations": {"cell": cell}})
    setting = Setting(None, never)
    async with asyncio.timeout(10), setting.bus(lab) as one, setting.bus(lab) as other:
        assert one is not None
        assert other is not None
        for bus in (one, other, one):  # whoever was thrown out has noticed it when the other has been answered
            await bus.publish("motet/bench/here", b"{}")
            assert one.connected.is_set()
            assert other.connected.is_set()
