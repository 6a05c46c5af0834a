"""Too much of anything: messages too large, nested too deeply, too many, or twice."""

import asyncio
import json
import logging
import socket
from collections.abc import Mapping
from typing import Any

import pytest

from motet.bus import MAX_MESSAGE, Bus, Message, requests
from motet.errors import LimitError

Json = Mapping[str, Any]
BOMB = b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


async def _echo(request: Json) -> Json:
    return request


async def test_a_message_that_is_too_large_is_neither_sent_nor_taken(
    mosquitto: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen = asyncio.Queue[Message]()
    async with asyncio.timeout(20), Bus(mosquitto, client_id="one") as bus, Bus(mosquitto, client_id="two") as other:
        await bus.subscribe("big", seen.put_nowait)
        too_much = f"{MAX_MESSAGE + 1} bytes on big: at most {MAX_MESSAGE} are allowed; nothing was sent"
        with pytest.raises(LimitError, match=too_much):
            await other.publish("big", bytes(MAX_MESSAGE + 1))
        async with other._connection.client("send what a stranger would") as stranger:  # pyright: ignore[reportPrivateUsage]
            await stranger.publish("big", bytes(MAX_MESSAGE + 1), 1)
        await other.publish("big", bytes(MAX_MESSAGE))
        assert len((await seen.get()).payload) == MAX_MESSAGE
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warned == [f"big: ignored a message of {MAX_MESSAGE + 1} bytes; at most {MAX_MESSAGE} are taken"]


async def test_an_answer_that_is_too_large_becomes_an_error(bus: Bus, other: Bus) -> None:
    async def answer(request: Json) -> Json:
        return {"trace": "x" * MAX_MESSAGE}

    await other.serve("ask", "reply", answer)
    reply = await bus.request("ask", {}, reply_topic="reply", timeout=10)
    assert "bytes on reply: at most" in reply["error"]


async def test_json_nested_without_end_is_one_warning(bus: Bus, other: Bus, caplog: pytest.LogCaptureFixture) -> None:
    await other.serve("ask", "reply", _echo)
    await bus.publish("ask", BOMB)
    await other.publish("reply", BOMB)
    assert (await bus.request("ask", {"x": 1}, reply_topic="reply", timeout=10))["x"] == 1
    await other.publish("reply", BOMB)
    await bus.request("ask", {"x": 1}, reply_topic="reply", timeout=10)
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warned) == 2
    assert all("nested too deeply" in text for text in warned)


async def test_a_reply_that_comes_twice_or_late_is_no_warning(
    bus: Bus, other: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    def thrice(message: Message) -> None:
        reply = json.dumps({"id": message.json()["id"]})
        tasks.extend(asyncio.create_task(other.publish("reply", reply)) for _ in range(3))

    tasks: list[asyncio.Task[None]] = []
    await other.subscribe("ask", thrice)
    for _ in range(3):
        await bus.request("ask", {}, reply_topic="reply", timeout=10)
    await asyncio.gather(*tasks)
    await bus.request("ask", {}, reply_topic="reply", timeout=10)
    await asyncio.gather(*tasks)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_more_requests_than_can_be_answered_are_passed_over(
    bus: Bus, other: Bus, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MOST_ANSWERS", 5)
    begun, full, free = list[object](), asyncio.Event(), asyncio.Event()

    async def answer(request: Json) -> Json:
        begun.append(request["n"])
        if len(begun) == 5:
            full.set()
        await free.wait()
        return request

    await other.serve("ask", "reply", answer)
    replies = asyncio.Queue[Message]()
    await bus.subscribe("reply", replies.put_nowait)
    for number in range(8):
        await bus.publish("ask", json.dumps({"id": number, "n": number}))
    async with asyncio.timeout(10):
        await full.wait()
        free.set()
        assert sorted([(await replies.get()).json()["n"] for _ in range(5)]) == [0, 1, 2, 3, 4]
        await bus.request("ask", {"n": 8}, reply_topic="reply", timeout=10)
    assert begun == [0, 1, 2, 3, 4, 8]
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warned == ["ask: ignored a request: 5 are being answered", "ask: takes requests again; 3 were ignored"]


def _flood(server: socket.socket, count: int, size: int, sent: list[int]) -> None:
    """A broker for one client and one subscription, which then sends as fast as the client reads."""
    packet = b"\x00\x05flood" + bytes(size)
    length = len(packet)
    header = bytes([0x30, length & 127 | 128, length >> 7 & 127 | 128, length >> 14])
    line, _ = server.accept()
    with line:
        line.recv(1000)
        line.sendall(bytes([0x20, 2, 0, 0]))
        subscribe = line.recv(1000)
        line.sendall(bytes([0x90, 3, *subscribe[2:4], 1]))
        for _ in range(count):
            line.sendall(header + packet)
            sent[0] += size
        line.recv(1000)


async def test_what_comes_faster_than_it_is_taken_waits_at_the_sender() -> None:
    count, size, buffers = 1000, 64_000, 20_000_000  # buffers: of the operating system, on both sides
    taken, ahead, sent = 0, 0, [0]
    done = asyncio.Event()

    def take(message: Message) -> None:
        nonlocal taken, ahead
        taken += len(message.payload)
        ahead = max(ahead, sent[0] - taken)
        if taken == count * size:
            done.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        sending = asyncio.create_task(asyncio.to_thread(_flood, server, count, size, sent))
        url = f"mqtt://127.0.0.1:{server.getsockname()[1]}"
        async with asyncio.timeout(20):
            async with Bus(url, client_id="one") as bus:
                await bus.subscribe("flood", take)
                await done.wait()
            await sending
    assert ahead < buffers < count * size / 3
