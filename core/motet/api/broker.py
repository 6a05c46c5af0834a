"""The way to a lab's broker: its address with the password, which the lab file does not hold."""

import asyncio
import os
from pathlib import Path

from motet.bus import Address
from motet.errors import ConnectionProblem
from motet.files.broker_check import seconds
from motet.model.broker import Broker


async def address(broker: Broker) -> Address:
    """The address of a broker that has one, to connect to. Raises ConnectionProblem when its password is not there."""
    return Address.parse(
        broker.url,
        user=broker.user,
        password=await asyncio.to_thread(_password, broker),
        ca=broker.ca,
        certificate=broker.certificate,
        key=broker.key,
        keepalive=seconds(broker),
    )


def _password(broker: Broker) -> str | None:
    secret, whose = broker.password, f"MQTT broker {broker.url}: the password of {broker.user!r}"
    if secret is None:
        return None
    if secret.env is not None:
        found = os.environ.get(secret.env)
        if not found:
            raise ConnectionProblem(
                f"{whose} is in the environment variable {secret.env}, which is not set (`broker.password`)"
            )
        return found
    assert secret.file is not None, "a secret is in a variable or in a file"
    return _first_line(secret.file, whose)


def _first_line(path: Path, whose: str) -> str:
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConnectionProblem(f"{whose} is in the file {path}: {reason} (`broker.password`)") from error
    if not lines or not lines[0]:
        raise ConnectionProblem(f"{whose} is in the file {path}, which is empty (`broker.password`)")
    return lines[0]
