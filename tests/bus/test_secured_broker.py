"""Brokers that ask who comes, and clients that ask who answers: users, rules, certificates."""

import asyncio
import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from motet.bus import Address, Bus, Message
from motet.errors import ConnectionProblem, LineLost
from motet_testing.certificates import Authority
from motet_testing.mosquitto import Mosquitto, StartMosquitto, dynamic_security

USERS, WRONG = {"ann": "s3cret"}, "hunter2"


async def refusal(address: Address) -> str:
    """What is said when there is no way in."""
    bus = Bus(address, client_id="one", connect_timeout=2.0)
    with pytest.raises(ConnectionProblem) as caught:
        async with asyncio.timeout(10):
            await bus.start()
    await bus.stop()
    said = str(caught.value)
    assert said.startswith(f"cannot connect to the MQTT broker at {address}: ")
    assert address.password is None or address.password not in said
    return said.partition(f"{address}: ")[2]


async def exchange(address: Address) -> None:
    """A message there and back."""
    seen = asyncio.Queue[Message]()
    async with asyncio.timeout(10), Bus(address, client_id="one") as bus:
        await bus.subscribe("motet/x", seen.put_nowait)
        await bus.publish("motet/x", "1")
        assert (await seen.get()).payload == b"1"


async def test_a_user_comes_in_with_the_password_only(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto(users=USERS)
    await exchange(Address.parse(broker.url, user="ann", password=USERS["ann"]))
    wrong = "not authorised: it refuses the user 'ann' with this password"
    assert await refusal(Address.parse(broker.url, user="ann", password=WRONG)) == wrong
    nobody = "not authorised: it asks for a user and a password, and none are stated"
    assert await refusal(Address.parse(broker.url)) == nobody


async def test_certificates_are_checked_on_both_sides(start_mosquitto: StartMosquitto, authority: Authority) -> None:
    broker = start_mosquitto(tls=authority.issue(), ca=authority.ca)
    mine = authority.issue("ann")
    good = Address.parse(broker.url, ca=authority.ca, certificate=mine.certificate, key=mine.key)
    await exchange(good)

    none = await refusal(replace(good, certificate=None, key=None))
    assert none.startswith("it asks for a certificate of its clients, and none is stated (")
    old = authority.issue("old", expired=True)
    assert f"it refuses the certificate {old.certificate} (" in await refusal(
        replace(good, certificate=old.certificate, key=old.key)
    )
    untrusted = await refusal(replace(good, ca=None))
    assert untrusted == "its certificate is signed by an authority that is not in those of the system (`ca`)"


@pytest.mark.parametrize(
    ("name", "expired", "said"),
    [
        ("elsewhere", False, "its certificate is for another host than 'localhost'"),
        ("localhost", True, "its certificate has expired"),
    ],
)
async def test_a_broker_s_certificate_that_does_not_fit_is_told(
    start_mosquitto: StartMosquitto, authority: Authority, name: str, expired: bool, said: str
) -> None:
    broker = start_mosquitto(tls=authority.issue(name, expired=expired))
    assert await refusal(Address.parse(broker.url, ca=authority.ca)) == said


async def test_tls_at_a_plain_port_and_the_reverse_are_told(
    start_mosquitto: StartMosquitto, authority: Authority
) -> None:
    plain, secured = start_mosquitto(), start_mosquitto(tls=authority.issue())
    towards_plain = await refusal(Address.parse(f"mqtts://localhost:{plain.port}", ca=authority.ca))
    assert f"no TLS at port {plain.port}: is it mqtt:// instead" in towards_plain
    towards_secured = await refusal(Address.parse(f"mqtt://localhost:{secured.port}"))
    assert f"does it speak TLS at port {secured.port} (mqtts://)?" in towards_secured


async def test_files_that_are_of_no_use_are_named(tmp_path: Path, authority: Authority) -> None:
    text, mine, other = tmp_path / "notes.txt", authority.issue("ann"), authority.issue("bob")
    text.write_text("no certificate")
    good = Address.parse("mqtts://localhost:1", ca=authority.ca, certificate=mine.certificate, key=mine.key)
    for address, said in (
        (replace(good, ca=text), f"the authorities in {text}: no PEM file of the kind that is needed"),
        (replace(good, ca=tmp_path / "none.pem"), "none.pem: No such file or directory"),
        (replace(good, key=other.key), f"with the key {other.key}: they do not belong together"),
    ):
        with pytest.raises(ConnectionProblem, match="MQTT broker localhost:1: ") as caught:
            await Bus(address, client_id="one").start()
        assert said in str(caught.value)


async def test_a_reason_to_stay_out_is_told_once_and_tried_again(
    start_mosquitto: StartMosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = start_mosquitto(users=USERS)
    address = Address.parse(broker.url, user="ann", password=USERS["ann"], keepalive=1)
    refused = asyncio.Event()

    class Counting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.levelno)
            if "not authorised" in record.getMessage() and told.count(logging.DEBUG) > 1:
                refused.set()

    told: list[int] = []
    log, counting = logging.getLogger("motet.bus.connection"), Counting()
    caplog.set_level(logging.DEBUG, log.name)
    async with asyncio.timeout(20), Bus(address, client_id="one") as bus:
        broker.kill()
        log.addHandler(counting)
        try:
            with Mosquitto(tmp_path, port=broker.port, users={"ann": "changed"}):
                await refused.wait()
        finally:
            log.removeHandler(counting)
        broker_as_before = Mosquitto(tmp_path, port=broker.port, users=USERS)
        with broker_as_before:
            await bus.connected.wait()
            await bus.publish("motet/x", "1")
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert sum("not authorised" in text for text in warned) == 1


async def test_rules_of_the_broker_are_told_where_mqtt_tells_them(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto(users=USERS, acl="user ann\ntopic readwrite motet/bench/#\n")
    seen = asyncio.Queue[Message]()
    address = Address.parse(broker.url, user="ann", password=USERS["ann"])
    async with asyncio.timeout(10), Bus(address, client_id="one") as bus:
        await bus.subscribe("motet/bench/+/state", seen.put_nowait)
        await bus.publish("motet/other/a/state", "dropped by the broker, which does not say so")
        await bus.publish("motet/bench/a/state", "idle")
        assert (await seen.get()).payload == b"idle"
        assert seen.empty()


async def test_a_subscription_that_is_refused_is_told(start_mosquitto: StartMosquitto, tmp_path: Path) -> None:
    plugin = dynamic_security()
    if plugin is None:
        pytest.skip("mosquitto_dynamic_security.so not found: it comes with the package mosquitto")
    bench = {"topic": "motet/bench/#", "priority": 0, "allow": True}
    rules = tmp_path / "rules.json"
    rules.write_text(
        json.dumps(
            {
                "defaultACLAccess": {"publishClientReceive": True, "unsubscribe": True},
                "roles": [
                    {
                        "rolename": "bench",
                        "acls": [{"acltype": kind, **bench} for kind in ("publishClientSend", "subscribePattern")],
                    }
                ],
                "groups": [{"groupname": "all", "roles": [{"rolename": "bench"}]}],
                "anonymousGroup": "all",
            }
        )
    )
    broker = start_mosquitto(settings=f"plugin {plugin}\nplugin_opt_config_file {rules}")
    seen = asyncio.Queue[Message]()
    async with asyncio.timeout(10), Bus(broker.url, client_id="one") as bus:
        await bus.subscribe("motet/bench/a", seen.put_nowait)
        with pytest.raises(ConnectionProblem, match=r"127.0.0.1:\d+: may not subscribe to motet/other/#"):
            await bus.subscribe("motet/other/#", seen.put_nowait)
        await bus.publish("motet/bench/a", "still there")
        assert (await seen.get()).payload == b"still there"


async def test_a_lost_call_names_no_password(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto(users=USERS)
    address = Address.parse(broker.url, user="ann", password=USERS["ann"])
    async with Bus(address, client_id="one", connect_timeout=0.3) as bus:
        assert "s3cret" not in f"{address!r} {bus.url}"
        broker.kill()
        with pytest.raises(LineLost) as caught:
            await bus.publish("motet/x", "1")
        assert "s3cret" not in str(caught.value)
