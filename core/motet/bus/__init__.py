"""The bus: MQTT with reconnection, re-subscription and request/response, and a broker to embed."""

from motet.bus.bus import Bus
from motet.bus.embedded import EmbeddedBroker
from motet.bus.memory import MemoryBus
from motet.bus.message import Handler, Message, matches
from motet.bus.subscriptions import Subscription

__all__ = ["Bus", "EmbeddedBroker", "Handler", "MemoryBus", "Message", "Subscription", "matches"]
