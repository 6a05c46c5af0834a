"""Pause, resume, stop or abort a campaign that another process runs."""

import json
import os
from pathlib import Path

from motet.api.results import store_path
from motet.api.session import CONTROL_FILE
from motet.bus import Bus
from motet.errors import NoReply, NotFound
from motet.store import Reader

TIMEOUT_S = 5.0


async def command(data: Path, campaign: str, name: str) -> str:
    """Send a command to the process that runs a campaign (its id, or its name for the newest); the state that follows.

    Raises NotFound when nothing runs it, NoReply when its process does not answer within 5 s, ConnectionProblem when
    its broker cannot be reached.
    """
    identity = Reader(store_path(data)).campaign(campaign).summary.id
    path = data / identity / CONTROL_FILE
    if not path.exists():
        raise NotFound(f"campaign {identity} is not running in {data}, or its lab has no broker")
    address = json.loads(path.read_text())
    async with Bus(address["broker"], client_id=f"motet-control-{os.getpid()}") as bus:
        topic = address["topic"]
        reply = await bus.request(topic, {"command": name}, reply_topic=f"{topic}/reply", timeout=TIMEOUT_S)
    if "error" in reply:
        raise NoReply(f"campaign {identity} refused {name}: {reply['error']}")
    return str(reply["state"])
