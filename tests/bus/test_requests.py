"""Request and response, on both brokers."""

import asyncio
import json
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter
from typing import Any

import pytest

from motet.bus import Bus, Message
from motet.errors import InstrumentError, NoReply

Json = Mapping[str, Any]


async def _double(request: Json) -> Json:
    return {"twice": 2 * request["value"]}


async def _ask(
    bus: Bus, value: object, seconds: float = 5.0, until: Callable[[Json], bool] = lambda reply: True
) -> Json:
    payload = {"value": value}
    return await bus.request("node/command", payload, reply_topic="node/reply", timeout=seconds, until=until)


async def test_requests_in_flight_together_get_their_own_replies(bus: Bus, other: Bus) -> None:
    await other.serve("node/command", "node/reply", _double)
    replies = await asyncio.gather(*(_ask(bus, value) for value in range(30)))
    assert [reply["twice"] for reply in replies] == [2 * value for value in range(30)]
    assert len({reply["id"] for reply in replies}) == 30


async def test_an_exchange_takes_milliseconds(bus: Bus, other: Bus) -> None:
    await other.serve("node/command", "node/reply", _double)
    took: list[float] = []
    for value in range(30):
        start = perf_counter()
        await _ask(bus, value)
        took.append(perf_counter() - start)
    assert median(took) < 0.02, "without TCP_NODELAY it is 0.04 to 0.09 s"


async def test_a_request_waits_for_the_reply_that_it_wants(bus: Bus, other: Bus) -> None:
    async def node(message: Message) -> None:
        key = json.loads(message.payload)["id"]
        for state in ("accepted", "running", "done"):
            await other.publish("node/reply", json.dumps({"id": key, "state": state}))

    tasks: list[asyncio.Task[None]] = []
    await other.subscribe("node/command", lambda message: tasks.append(asyncio.create_task(node(message))))
    reply = await _ask(bus, 1, until=lambda reply: reply["state"] == "done")
    assert reply["state"] == "done"
    await asyncio.gather(*tasks)


async def test_no_reply_names_topic_request_and_the_last_that_was_heard(bus: Bus, other: Bus) -> None:
    await other.serve("node/command", "node/reply", _double)
    message = r"node/command: .*'value': 3.* on node/reply within 0.2 s; .*'twice': 6"
    with pytest.raises(NoReply, match=message):
        await _ask(bus, 3, 0.2, until=lambda reply: "state" in reply)
    with pytest.raises(NoReply, match=r"nobody: .*within 0.05 s$"):
        await bus.request("nobody", {}, reply_topic="node/reply", timeout=0.05)


async def test_what_until_raises_reaches_the_requester(bus: Bus, other: Bus) -> None:
    await other.serve("node/command", "node/reply", _double)
    with pytest.raises(KeyError, match="state"):
        await _ask(bus, 3, until=lambda reply: reply["state"])


@pytest.mark.parametrize(
    ("stray", "warning"),
    [
        (b"not json", "ignored a reply that is no JSON object"),
        (b"[1, 2]", "found list"),
        (b'{"id": "someone-else", "twice": 0}', "unknown id 'someone-else'"),
        (b'{"twice": 0}', "unknown id None"),
    ],
)
async def test_a_reply_that_answers_nobody_is_logged_and_passed_over(
    bus: Bus, other: Bus, caplog: pytest.LogCaptureFixture, stray: bytes, warning: str
) -> None:
    async def answer(request: Json) -> Json:
        await other.publish("node/reply", stray)
        return await _double(request)

    await other.serve("node/command", "node/reply", answer)
    assert (await _ask(bus, 4))["twice"] == 8
    assert warning in caplog.text


async def test_an_error_of_the_answering_side_is_its_answer(
    bus: Bus, other: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(request: Json) -> Json:
        if request["value"] == "refuse":
            raise InstrumentError("cell is not connected")
        return await _double(request)

    await other.serve("node/command", "node/reply", answer)
    assert (await _ask(bus, "refuse"))["error"] == "cell is not connected"
    assert (await _ask(bus, None))["error"].startswith("TypeError: ")
    assert "Traceback" in caplog.text
    assert (await _ask(bus, 1))["twice"] == 2


async def test_a_request_without_an_id_is_logged_and_not_answered(
    bus: Bus, other: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[Json] = []

    async def answer(request: Json) -> Json:
        asked.append(request)
        return await _double(request)

    await other.serve("node/command", "node/reply", answer)
    await bus.publish("node/command", '{"value": 1}')
    await bus.publish("node/command", "stop!")
    await _ask(bus, 2)
    assert [request["value"] for request in asked] == [2]
    assert caplog.text.count("no JSON object with an id") == 2


async def test_a_retained_request_is_not_answered_again(bus: Bus, other: Bus) -> None:
    asked: list[Json] = []

    async def answer(request: Json) -> Json:
        asked.append(request)
        return await _double(request)

    await bus.publish("node/command", '{"id": "old", "value": 1}', retain=True)
    await other.serve("node/command", "node/reply", answer)
    await _ask(bus, 2)
    assert [request["value"] for request in asked] == [2]


async def test_a_service_that_is_cancelled_stops_its_answers(bus: Bus, other: Bus) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def answer(request: Json) -> Json:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return {}

    service = await other.serve("node/command", "node/reply", answer)
    asking = asyncio.create_task(_ask(bus, 1, seconds=0.5))
    async with asyncio.timeout(5):
        await begun.wait()
        await service.cancel()
    assert cancelled.is_set()
    with pytest.raises(NoReply):
        await asking
