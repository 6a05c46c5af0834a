"""What tests of several areas share: a real MQTT broker."""

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from motet_testing import mosquitto as brokers
from motet_testing.certificates import Authority, openssl
from motet_testing.mosquitto import Mosquitto, StartMosquitto


@pytest.fixture
def free_port() -> int:
    """A loopback TCP port that nobody listens on."""
    return brokers.free_port()


@pytest.fixture
def start_mosquitto(tmp_path: Path) -> Generator[StartMosquitto]:
    """Starts a mosquitto with the options of `Mosquitto`; skips the test where it is not installed."""
    if brokers.program() is None:
        pytest.skip("mosquitto not found: apt-get install mosquitto")
    with ExitStack() as running:

        def start(**options: Any) -> Mosquitto:
            return running.enter_context(Mosquitto(tmp_path, **options))

        yield start


@pytest.fixture
def mosquitto(start_mosquitto: StartMosquitto) -> str:
    """The URL of a mosquitto that runs for this test."""
    return start_mosquitto().url


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Signs certificates for this test; skips it where `openssl` is not installed."""
    if openssl() is None:
        pytest.skip("openssl not found: apt-get install openssl")
    return Authority(tmp_path)
