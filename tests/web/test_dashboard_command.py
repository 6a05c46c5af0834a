"""`motet dashboard` as a process."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from motet.cli.app import app


def refused(folder: Path, *words: str, token: str | None = None) -> tuple[int, str]:
    """Exit code and output of a dashboard that does not come to be."""
    arguments = ["dashboard", str(folder / "lab.yaml"), "--data", str(folder / "data"), *words]
    done = CliRunner().invoke(app, arguments, env={"MOTET_DASHBOARD_TOKEN": token})
    return done.exit_code, done.output


def test_what_cannot_be_served_is_one_message(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert refused(folder, "--port", port) == (
            3,
            f"error: cannot listen on 127.0.0.1, port {port}: Address already in use\n",
        )
    code, output = refused(folder, "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - it is refused
    assert (code, "a token is needed: --token-file FILE" in output) == (2, True)
    code, output = refused(folder, "--port", "0", token="short")  # noqa: S106 - that is why it is refused
    assert (code, "at least 16 are needed" in output, "short" in output) == (2, True, False)
    for token in (b"correct horse \xff battery\n", "pferd\u00e4 batterie\n".encode()):
        (folder / "token").write_bytes(token)
        code, output = refused(folder, "--port", "0", "--token-file", str(folder / "token"))
        assert (code, "signs of ASCII are needed" in output, "horse" in output) == (2, True, False)
    code, output = refused(folder, "--host", 70 * "a", token=20 * "t")
    assert (code, "that is no name of a computer" in output) == (3, True)
    code, output = refused(folder, "--token-file", str(folder / "missing"))
    assert (code, "missing: No such file" in output) == (2, True)
    (folder / "lab.yaml").write_text("lab: bench\nstations: {}\n")
    code, output = refused(folder, "--port", "0")
    assert (code, "lab.yaml:2: stations" in output) == (2, True)


@pytest.mark.parametrize("missing", ["fastapi", "nicegui", "uvicorn"])
def test_without_its_extra_it_says_how_to_get_it(folder: Path, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("app", "page", "card"):
        monkeypatch.delitem(sys.modules, f"motet.web.{name}", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    assert refused(folder, "--port", "0") == (
        2,
        f"error: the dashboard needs {missing}, which is not installed: pip install 'motet[web]'\n",
    )


@pytest.mark.slow
def test_it_tells_where_it_is_and_ends_at_once_when_told_to(folder: Path) -> None:
    command = [sys.executable, "-m", "motet", "dashboard", "lab.yaml", "--port", "0", "--json"]
    environment = os.environ | {"MOTET_DATA": str(folder / "data")}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            found = json.loads(process.stdout.readline())
            assert found["lab"] == "bench"
            with socket.create_connection(("127.0.0.1", int(found["url"].rpartition(":")[2].strip("/"))), timeout=10):
                process.send_signal(signal.SIGINT)
                _, complaints = process.communicate(timeout=10)
            assert (process.returncode, complaints) == (0, "")
        finally:
            process.kill()
    assert sorted(path.name for path in folder.iterdir()) == ["campaign.yaml", "data", "lab.yaml"], (
        "nothing else is left"
    )
