"""Topics, addresses and payloads: the parts of the bus that need no broker."""

import pytest

from motet.bus import Bus, Message, matches
from motet.bus.address import Address
from motet.errors import ConnectionProblem


@pytest.mark.parametrize(
    ("topic", "topic_filter", "expected"),
    [
        ("lab/sdc1/status", "lab/sdc1/status", True),
        ("lab/sdc1/status", "lab/+/status", True),
        ("lab/sdc1/status", "lab/+", False),
        ("lab/sdc1/status", "lab/#", True),
        ("lab", "lab/#", True),
        ("lab", "lab/+", False),
        ("lab/", "lab/+", True),
        ("lab/sdc1", "#", True),
        ("lab/sdc1", "lab/sdc1/status", False),
        ("lab/sdc1/status", "lab/sdc1", False),
        ("/lab", "+/+", True),
        ("/lab", "+", False),
        ("$SYS/broker", "#", False),
        ("$SYS/broker", "+/broker", False),
        ("$SYS/broker", "$SYS/#", True),
    ],
)
def test_topic_filters_match_as_mqtt_3_1_1_says(topic: str, topic_filter: str, expected: bool) -> None:
    assert matches(topic, topic_filter) is expected


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://broker", Address("broker", 1883, False, None, None)),
        ("mqtts://broker", Address("broker", 8883, True, None, None)),
        ("mqtt://ann:s%40crt@[::1]:1884", Address("::1", 1884, False, "ann", "s@crt")),
    ],
)
def test_an_address_states_host_port_and_user(url: str, address: Address) -> None:
    assert Address.parse(url) == address


def test_an_address_prints_without_its_password() -> None:
    address = Address.parse("mqtt://ann:secret@broker")
    assert "secret" not in f"{address} {address!r}"


@pytest.mark.parametrize("url", ["broker:1883", "http://broker", "mqtt://", "mqtt://broker:port", "mqtt://b/lab"])
def test_an_address_of_no_broker_is_refused(url: str) -> None:
    with pytest.raises(ConnectionProblem, match="MQTT broker"):
        Bus(url, client_id="x")


def test_a_payload_is_a_json_object_or_an_error() -> None:
    assert Message("t", b'{"id": 1}').json() == {"id": 1}
    with pytest.raises(ValueError, match="found list; a JSON object is needed"):
        Message("t", b"[1]").json()
    with pytest.raises(ValueError, match="Expecting value"):
        Message("t", b"").json()
