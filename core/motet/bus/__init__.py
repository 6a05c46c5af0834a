"""The bus: MQTT with reconnection, re-subscription and request/response, and a broker to embed."""

from motet.bus.address import Address
from motet.bus.bus import Bus
from motet.bus.embedded import EmbeddedBroker
from motet.bus.memory import MemoryBus
from motet.bus.message import MAX_MESSAGE, Handler, Message, matches
from motet.bus.subscriptions import Subscription

__all__ = [
    "MAX_MESSAGE",
    "Address",
    "Bus",
    "EmbeddedBroker",
    "Handler",
    "MemoryBus",
    "Message",
    "Subscription",
    "matches",
]
