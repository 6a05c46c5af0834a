"""Requests as they come: read, answered once however often they come, refused where they cannot be read."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from motet.bus import Message
from motet.errors import GarbledReply
from motet.remote import messages as m
from motet.remote.post import Post

REMEMBERED = 1000
"""So many answers are kept, for requests that come twice."""

_log = logging.getLogger(__name__)


class Inbox:
    """Hands each request to `handle` once. `topic` is that of the replies, `most` the longest request in bytes."""

    def __init__(self, post: Post, topic: str, most: int, handle: Callable[[m.Request], object]) -> None:
        self._post, self._topic, self._most, self._handle = post, topic, most, handle
        self._answers: OrderedDict[str, m.Reply | None] = OrderedDict()

    def take(self, message: Message) -> None:
        """A message on the topic of requests. A kept one is not news."""
        if message.retain:
            _log.warning("%s: ignored a retained request", message.topic)
            return
        try:
            request: m.Request = m.read(message.payload, m.REQUEST, self._most)
        except GarbledReply as error:
            self._refuse(message, error)
            return
        if request.id in self._answers:
            answer = self._answers[request.id]
            if answer is not None:
                self._post.send(self._topic, answer)
            return
        self._answers[request.id] = None
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        self._handle(request)

    def reply(self, request: m.Request, said: m.Said, reason: str = "", **more: Any) -> None:
        """Answer a request, and remember the answer."""
        answer = m.Reply(id=request.id, to=request.orchestrator, said=said, reason=m.clean(reason[:5000]), **more)
        self._answers[request.id] = answer
        self._post.send(self._topic, answer)

    def _refuse(self, message: Message, error: GarbledReply) -> None:
        _log.warning("%s: refused: %s", message.topic, error)
        found = m.peek(message.payload) if len(message.payload) <= self._most else dict[str, Any]()
        known = {key: m.clean(str(found.get(key) or "?")[:200]) for key in ("id", "orchestrator")}
        refusal = m.Reply(
            id=known["id"],
            to=known["orchestrator"],
            said=m.Said.REFUSED,
            reason=m.clean(str(error)[:5000]),
            error="GarbledReply",
        )
        self._post.send(self._topic, refusal)
