"""What other processes may tell a running campaign over the broker: its commands, answers and queue; and its lab's
consumables."""

import asyncio
import json
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motet.api.desk import Desk, Reply
from motet.api.names import ANSWER, CONTROL_FILE, QUEUE, SUPPLIES, TELL
from motet.api.stock_desk import StockDesk
from motet.bus import Bus
from motet.errors import LineLost
from motet.model.lab import Lab
from motet.model.space import Space
from motet.orchestration import CampaignLoop, Control, Questions
from motet.orchestration.queue import Queue
from motet.orchestration.stockroom import Stockroom

_log = logging.getLogger(__name__)

REMEMBERED = 1000
"""A request that comes once more is answered as before, while so many others have come meanwhile."""


@dataclass
class Commands:
    """Carries out one request: `{"command": ..., ...}` with what each of them needs. All on the lab loop."""

    control: Control
    questions: Questions
    queue: Queue
    loop: CampaignLoop
    space: Space
    stockroom: Stockroom
    _served: dict[str, "asyncio.Future[Reply]"] = field(default_factory=dict[str, "asyncio.Future[Reply]"], init=False)

    def __post_init__(self) -> None:
        goal, loop = self.loop.goal, self.loop
        self._desk = Desk(
            self.queue,
            self.space,
            goal.objectives,
            goal.constraints,
            loop.tell,
            lambda: loop.over,
            lambda: loop.has_ended,
        )

    async def carry_out(self, request: Mapping[str, Any]) -> Reply:
        """The reply. A request with an `id` is carried out once, however often a broker brings it. Raises a MotetError
        for what cannot be done, with what is allowed."""
        key = request.get("id")
        if key is None:
            return await self._reply(request)
        if (served := self._served.get(str(key))) is None:
            served = self._served[str(key)] = asyncio.ensure_future(self._reply(request))
            for old in list(self._served)[:-REMEMBERED]:
                del self._served[old]
        return await asyncio.shield(served)

    def _reply(self, request: Mapping[str, Any]) -> Awaitable[Reply]:
        command = request.get("command")
        if command in (QUEUE, TELL):
            return self._desk.carry_out(request)
        if command == SUPPLIES:
            return StockDesk(self.stockroom).carry_out(request)
        return self._answer(request) if command == ANSWER else self._control(str(command))

    async def _control(self, command: str) -> Reply:
        return {"state": self.control.command(command, f"asked to {command}")}

    async def _answer(self, request: Mapping[str, Any]) -> Reply:
        number: Any = request.get("question")
        asked, given = await self.questions.answer(request.get("value"), number)
        return {"question": asked.number, "answer": given}


@asynccontextmanager
async def commanded(bus: Bus, commands: Commands, data: Path, lab: Lab, campaign: str) -> AsyncGenerator[None]:
    """Lets `motet pause`, `resume`, `stop`, `abort`, `answer`, `queue`, `supplies` reach a campaign over the broker."""
    topic = f"motet/{lab.lab}/{campaign}/control"
    subscription = await bus.serve(topic, f"{topic}/reply", commands.carry_out)
    path = data / campaign / CONTROL_FILE
    broker = lab.broker.at(bus.url).model_dump(mode="json")
    address = {"broker": broker, "topic": topic, "pid": os.getpid()}
    await asyncio.to_thread(_write, path, json.dumps(address))
    try:
        yield
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        try:
            await subscription.cancel()
        except LineLost as error:  # what the campaign came to is worth more than a broker that is gone
            _log.warning("%s", error)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # it says where the broker's password is, if not what it is
    path.write_text(text)
