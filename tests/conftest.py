"""What tests of several areas share: a real MQTT broker."""

import asyncio
import shutil
import socket
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest

StartMosquitto = Callable[[int], Awaitable[Process]]


@pytest.fixture
def free_port() -> int:
    """A loopback TCP port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
async def start_mosquitto(tmp_path: Path) -> AsyncGenerator[StartMosquitto]:
    """Starts a mosquitto that listens on a given loopback port; skips the test where it is not installed."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("mosquitto not found: apt-get install mosquitto")
    started: list[Process] = []

    async def start(port: int) -> Process:
        config = tmp_path / f"mosquitto-{port}.conf"
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\npersistence false\n"
            "log_dest stderr\nconnection_messages false\n"
        )
        process = await asyncio.create_subprocess_exec(program, "-c", str(config), stdout=DEVNULL, stderr=PIPE)
        started.append(process)
        assert process.stderr is not None
        log = b""
        async with asyncio.timeout(10):
            while b" running" not in log:
                line = await process.stderr.readline()
                assert line, f"mosquitto ended: {log.decode()}"
                log += line
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
async def mosquitto(start_mosquitto: StartMosquitto, free_port: int) -> str:
    """The URL of a mosquitto that runs for this test."""
    await start_mosquitto(free_port)
    return f"mqtt://127.0.0.1:{free_port}"
