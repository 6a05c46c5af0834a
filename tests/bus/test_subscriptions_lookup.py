"""Who is called for a message, however many others have subscribed."""

import time

from motet.bus.message import Message
from motet.bus.subscriptions import Subscription, Subscriptions


async def _cancel(subscription: Subscription) -> None:
    raise AssertionError("nobody cancels here")


def _subscribed(*filters: str) -> tuple[Subscriptions, list[Subscription], list[str]]:
    found, heard = Subscriptions(), list[str]()
    made = [Subscription(one, lambda message, one=one: heard.append(one), _cancel) for one in filters]
    for subscription in made:
        found.add(subscription)
    return found, made, heard


def test_handlers_are_called_in_the_order_of_subscription_with_and_without_wildcards() -> None:
    found, made, heard = _subscribed("a/+", "a/b", "#", "a/c", "a/b")
    found.dispatch(Message("a/b", b""))
    assert heard == ["a/+", "a/b", "#", "a/b"]
    assert not found.remove(made[1])
    assert found.remove(made[4])
    assert not found.remove(made[4])
    assert found.remove(made[0])
    heard.clear()
    found.dispatch(Message("a/b", b""))
    assert heard == ["#"]
    assert found.filters == ["#", "a/c"]


def test_a_message_costs_the_same_among_thousands_of_topics() -> None:
    def seconds(others: int) -> float:
        found, _, _ = _subscribed("wanted", *(f"lab/{number}/state" for number in range(others)))
        taken: list[float] = []
        for _ in range(5):
            began = time.perf_counter()
            for _ in range(200):
                found.dispatch(Message("wanted", b""))
            taken.append(time.perf_counter() - began)
        return min(taken)

    assert seconds(5000) < 10 * seconds(1)
