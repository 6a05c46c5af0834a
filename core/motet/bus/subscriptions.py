"""Who wants to hear what: kept apart from the connection, so that it outlives every connection."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from motet.bus.message import MAX_MESSAGE, Handler, Message, matches

_log = logging.getLogger(__name__)


class Subscription:
    """One handler on one topic filter, until it is cancelled."""

    def __init__(
        self, topic_filter: str, handler: Handler, cancel: Callable[["Subscription"], Awaitable[None]]
    ) -> None:
        self.topic_filter = topic_filter
        self.handler = handler
        self._cancel = cancel

    async def cancel(self) -> None:
        """The handler is not called any more. Nothing is done the second time."""
        await self._cancel(self)


class Subscriptions:
    """All subscriptions of a bus. Those of one topic are looked up by it, so that it does not matter how many others
    there are: an orchestrator has five for each of its stations elsewhere."""

    def __init__(self) -> None:
        self._all: dict[Subscription, int] = {}
        """In the order of subscription, numbered."""
        self._exact: dict[str, list[Subscription]] = {}
        self._wild: list[Subscription] = []
        self._added = 0

    @property
    def filters(self) -> list[str]:
        """Every topic filter once, in the order of subscription."""
        return list(dict.fromkeys(subscription.topic_filter for subscription in self._all))

    def add(self, subscription: Subscription) -> None:
        """From now on its handler is called."""
        self._added += 1
        self._all[subscription] = self._added
        self._alike(subscription).append(subscription)

    def remove(self, subscription: Subscription) -> bool:
        """Forget it. True when nobody else wants its topic filter any more."""
        if subscription not in self._all:
            return False
        del self._all[subscription]
        alike = self._alike(subscription)
        alike.remove(subscription)
        if not alike:
            self._exact.pop(subscription.topic_filter, None)
        return not any(other.topic_filter == subscription.topic_filter for other in alike)

    def wanting(self, topic: str) -> tuple[Subscription, ...]:
        """Those that want messages on the topic, now, in the order of subscription."""
        exact = self._exact.get(topic, ())
        wild = [subscription for subscription in self._wild if matches(topic, subscription.topic_filter)]
        return tuple(sorted((*exact, *wild), key=self._all.__getitem__) if exact and wild else (*exact, *wild))

    def _alike(self, subscription: Subscription) -> list[Subscription]:
        """Where it is kept: with those of its topic, or with all that have wildcards."""
        topic_filter = subscription.topic_filter
        wild = any(level in ("+", "#") for level in topic_filter.split("/"))
        return self._wild if wild else self._exact.setdefault(topic_filter, [])

    def dispatch(self, message: Message) -> None:
        """Call every handler that wants the message. One that raises is logged; the bus and the others go
        on."""
        self.deliver(message, self.wanting(message.topic))

    def deliver(self, message: Message, wanting: Sequence[Subscription]) -> None:
        """Call the handlers of some of them, as far as they still want messages. Raises nothing, as `dispatch`.

        A message larger than `MAX_MESSAGE` is passed over with a warning.
        """
        if len(message.payload) > MAX_MESSAGE:
            _log.warning(
                "%s: ignored a message of %d bytes; at most %d are taken",
                message.topic,
                len(message.payload),
                MAX_MESSAGE,
            )
            return
        for subscription in wanting:
            if subscription not in self._all:
                continue
            try:
                subscription.handler(message)
            except Exception:  # noqa: BLE001 - one handler's mistake must not silence the others
                _log.exception("a handler of %s failed on a message on %s", subscription.topic_filter, message.topic)
