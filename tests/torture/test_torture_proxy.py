"""The proxy between clients and a real broker: what it does to messages, and what it hides from their senders."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import pytest

from motet.bus import Bus, Message
from motet.errors import LineLost, NoReply
from motet_torture.packets import NotMqtt, Packet, take
from motet_torture.proxy import Mischief, Proxy

ALL = Mischief(duplicate=0.4, delay=0.4, reorder=0.4, longest_s=0.02, always=True)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_packets_come_out_of_bytes_that_are_cut_anywhere() -> None:
    rng = random.Random(3)
    packets = [Packet(0x32, rng.randbytes(length)) for length in (5, 127, 128, 16_383, 16_384, 2_097_152)]
    stream, buffer, found = b"".join(packet.bytes for packet in packets), bytearray(), list[Packet]()
    while stream:
        size = rng.randrange(1, 70_000)
        buffer += stream[:size]
        stream = stream[size:]
        while (packet := take(buffer)) is not None:
            found.append(packet)
    assert found == packets
    assert not buffer


def test_a_length_that_is_none_is_refused() -> None:
    with pytest.raises(NotMqtt):
        take(bytearray(b"\x30\xff\xff\xff\xff\x01"))


async def test_every_message_arrives_some_twice_and_out_of_order_and_senders_never_learn_of_it(mosquitto: str) -> None:
    heard = list[int]()
    all_there = asyncio.Event()

    def hear(message: Message) -> None:
        heard.append(int(message.payload))
        if len(set(heard)) == 300:
            all_there.set()

    proxy = Proxy(port_of(mosquitto), ALL, seed=1)
    async with proxy.running(), Bus(proxy.url, client_id="a") as sender, Bus(proxy.url, client_id="b") as receiver:
        await receiver.subscribe("numbers", hear)
        async with asyncio.timeout(20):
            for first in range(0, 300, 20):
                await asyncio.gather(*(sender.publish("numbers", str(first + n)) for n in range(20)))
            await all_there.wait()
    assert len(heard) > 330
    assert heard != sorted(heard)
    assert proxy.done.duplicated > 100
    assert proxy.done.overtaken > 50
    assert proxy.done.delayed > 50
    assert proxy.done.swallowed > 80
    assert proxy.done.untouched == 0


async def test_requests_are_repeated_too_and_each_gets_its_own_reply(mosquitto: str) -> None:
    asked = list[Any]()

    async def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(request["n"])
        return {"twice": 2 * request["n"]}

    proxy = Proxy(port_of(mosquitto), ALL, seed=2)
    async with proxy.running(), Bus(proxy.url, client_id="a") as asking, Bus(proxy.url, client_id="b") as serving:
        await serving.serve("double", "double/reply", answer)
        async with asyncio.timeout(20):
            replies = [
                await asking.request("double", {"n": n}, reply_topic="double/reply", timeout=5) for n in range(30)
            ]
    assert [reply["twice"] for reply in replies] == [2 * n for n in range(30)]
    assert len(asked) > 30, "nothing was repeated"


async def test_who_is_cut_off_comes_again(mosquitto: str) -> None:
    proxy = Proxy(port_of(mosquitto), Mischief(cut=0.2), seed=3)
    arrived = set[int]()
    async with proxy.running(), Bus(proxy.url, client_id="a") as sender, Bus(mosquitto, client_id="b") as receiver:
        await receiver.subscribe("numbers", lambda message: arrived.add(int(message.payload)))
        failed = 0
        async with asyncio.timeout(30):
            for number in range(30):
                try:
                    await sender.publish("numbers", str(number))
                except (LineLost, NoReply):
                    failed += 1
        assert proxy.done.cuts > 2
        assert failed == proxy.done.cuts
        assert len(arrived) >= 30 - failed


async def test_topics_that_are_not_meant_pass_untouched(mosquitto: str) -> None:
    heard = list[int]()
    all_there = asyncio.Event()

    def hear(message: Message) -> None:
        heard.append(int(message.payload))
        if len(heard) == 50:
            all_there.set()

    meant = Mischief(duplicate=1.0, about=lambda topic: topic != "spared")
    proxy = Proxy(port_of(mosquitto), meant, seed=4)
    async with proxy.running(), Bus(proxy.url, client_id="a") as sender, Bus(proxy.url, client_id="b") as receiver:
        await receiver.subscribe("spared", hear)
        async with asyncio.timeout(10):
            for number in range(50):
                await sender.publish("spared", str(number))
            await all_there.wait()
    assert heard == list(range(50))
    assert proxy.done.duplicated == 0
