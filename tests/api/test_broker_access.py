"""The way from a lab file to its broker."""

from pathlib import Path

import pytest

from motet.api.broker import address
from motet.bus import Address
from motet.errors import ConnectionProblem
from motet.model.broker import Broker, Secret

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
