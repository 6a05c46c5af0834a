"""Requests of an orchestrator to one station."""

import asyncio
import time
from itertools import count
from typing import Any, TypeVar

from motet.errors import NoReply
from motet.remote.messages import Reply, Request
from motet.remote.post import Post
from motet.remote.topics import Topics
from motet.stamps import uuid4

R = TypeVar("R", bound=Request)
FIRST_S, LONGEST_S = 1.0, 10.0
"""Pause before a request is sent a second time, and before any later time; each pause is twice the one before."""


class Calls:
    """Numbers requests and finds the replies to them."""

    def __init__(self, post: Post, topics: Topics, orchestrator: str) -> None:
        self.orchestrator = orchestrator
        self.session = uuid4().hex
        self._post, self._topics = post, topics
        self._numbers = count(1)
        self._waiting: dict[str, asyncio.Future[Reply]] = {}

    def make(self, kind: type[R], **fields: Any) -> R:
        """A request, numbered."""
        number = next(self._numbers)
        identity = f"{self.session}-{number}"
        return kind(id=identity, orchestrator=self.orchestrator, session=self.session, number=number, **fields)

    def send(self, request: Request | bytes) -> None:
        """Send it, or its payload, once, and wait for nothing."""
        self._post.send(self._topics.request, request)

    async def ask(self, request: Request, within_s: float) -> Reply:
        """Send it until it is answered. Raises NoReply after `within_s` seconds."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = reply
        pause, payload = FIRST_S, request.payload()
        try:
            async with asyncio.timeout(within_s):
                while not reply.done():
                    self.send(payload)
                    await asyncio.wait([reply], timeout=pause)
                    pause = min(2 * pause, LONGEST_S)
                return reply.result()
        except TimeoutError:
            what = type(request).__name__.lower()
            raise NoReply(
                f"station {self._topics.station}: no answer to `{what}` on {self._topics.reply} within {within_s:g} s"
            ) from None
        finally:
            del self._waiting[request.id]

    def take(self, reply: Reply) -> bool:
        """Hand a reply to whoever waits for it. Whether somebody did."""
        waiting = self._waiting.get(reply.id)
        if waiting is None or waiting.done():
            return waiting is not None
        waiting.set_result(reply)
        return True


def refusal(reply: Reply) -> str:
    """Why a request was refused, and who holds the station until when."""
    if reply.holder is None:
        return reply.reason
    since, until = (
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) for at in (reply.holder.since, reply.holder.until)
    )
    return (
        f"{reply.reason}; since {since}, until {until} unless it is renewed (orchestrator {reply.holder.orchestrator})"
    )
