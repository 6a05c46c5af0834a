"""The mosquitto that tests start: killed, frozen, with users and with TLS."""

import socket
import ssl

from motet_testing.certificates import Authority
from motet_testing.mosquitto import StartMosquitto

CONNECT = bytes.fromhex("10 10 00 04 4d 51 54 54 04 02 00 0a 00 04 70 72 6f 62")
"""MQTT 3.1.1, section 3.1: client `prob`, no user, keep alive for 10 s."""


def hello(port: int, context: ssl.SSLContext | None = None) -> bytes:
    """What a broker answers to CONNECT: `20 02 00 CODE`."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=5)
    with plain if context is None else context.wrap_socket(plain, server_hostname="localhost") as line:
        line.sendall(CONNECT)
        return line.recv(4)


def test_it_takes_connections_again_at_its_port_after_each_of_its_deaths(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto()
    first = broker.pid
    assert hello(broker.port)[3] == 0
    broker.restart()
    assert broker.pid != first
    assert hello(broker.port)[3] == 0
    broker.freeze()
    broker.stop()
    broker.start()
    assert hello(broker.port)[3] == 0
    assert broker.log.count(" running") == 3


def test_it_asks_for_user_and_certificate(start_mosquitto: StartMosquitto, authority: Authority) -> None:
    plain = start_mosquitto(users={"ann": "secret"})
    assert hello(plain.port)[3] == 5
    secured = start_mosquitto(tls=authority.issue(), ca=authority.ca)
    mine = authority.issue("ann")
    context = ssl.create_default_context(cafile=authority.ca)
    context.load_cert_chain(mine.certificate, mine.key)
    assert hello(secured.port, context)[3] == 0
