"""Pause, resume, stop or abort a campaign that another process runs, and answer its questions."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motet.api.broker import address
from motet.api.names import ANSWER, CONTROL_FILE
from motet.api.results import store_path
from motet.bus import Bus
from motet.errors import AnswerProblem, NoReply, NotFound
from motet.model.broker import Broker
from motet.model.questions import Answer
from motet.store import Reader

TIMEOUT_S = 5.0


async def command(data: Path, campaign: str, name: str) -> str:
    """Send a command to the process that runs a campaign (its id, or its name for the newest); the state that follows.

    Raises NotFound when nothing runs it, NoReply when its process does not answer within 5 s, ConnectionProblem when
    its broker cannot be reached.
    """
    identity, reply = await request(data, campaign, {"command": name})
    if "error" in reply:
        raise NoReply(f"campaign {identity} refused {name}: {reply['error']}")
    return str(reply["state"])


async def answer(data: Path, campaign: str, given: Answer | None, question: int | None = None) -> tuple[int, Answer]:
    """Answer a question of a campaign by its number, by default the only open one; its number and the answer as taken.

    None says that what was asked for is done. Raises AnswerProblem when that is no answer to an open question, and
    what `command` raises.
    """
    identity, reply = await request(data, campaign, {"command": ANSWER, "value": given, "question": question})
    if "error" in reply:
        raise AnswerProblem(f"campaign {identity}: {reply['error']}")
    return int(reply["question"]), reply["answer"]


async def request(data: Path, campaign: str, request: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The campaign's id, and what the process that runs it replies."""
    identity = Reader(store_path(data)).campaign(campaign).summary.id
    path = data / identity / CONTROL_FILE
    if not path.exists():
        raise NotFound(f"campaign {identity} is not running in {data}, or its lab has no broker")
    found = json.loads(path.read_text())
    where = await address(Broker.model_validate(found["broker"]))
    async with Bus(where, client_id=f"motet-control-{secrets.token_hex(8)}") as bus:
        topic = found["topic"]
        return identity, await bus.request(topic, request, reply_topic=f"{topic}/reply", timeout=TIMEOUT_S)
