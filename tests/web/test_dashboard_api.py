"""The HTTP API of the dashboard, on a real server."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from motet.bus import Bus
from motet.model.events import StationState
from motet.remote.messages import StateMessage
from motet.station.latch_state import latch_file, read
from motet.web import body
from motet.web.access import Access
from motet.web.guard import Guard
from motet_testing.mosquitto import StartMosquitto

pytestmark = pytest.mark.timeout(60)
STATE = "motet/bench/station/left/state"


async def until(found: Callable[[], object]) -> None:
    """Wait for something that comes about in the loop."""
    async with asyncio.timeout(20):
        while not found():  # noqa: ASYNC110 - it is looked at, as a page does
            await asyncio.sleep(0.01)


async def test_it_presses_with_a_reason_shows_who_and_clears_what_was_seen(serve: Any, folder: Path) -> None:
    async with serve() as dashboard:
        lab = (await dashboard.client.get("/api/lab")).json()
        assert (lab["lab"], lab["presses"], lab["problems"]) == ("bench", [], [])
        assert [(one["name"], one["state"], one["cause"]) for one in lab["stations"]] == [
            ("left", "offline", "no campaign has used it yet"),
            ("right", "offline", "no campaign has used it yet"),
        ]
        told = await dashboard.client.post("/api/estop", json={"reason": "smoke", "who": "Ann"})
        path = latch_file(folder / "data", "bench")
        assert (told.status_code, told.json()["reached"], told.json()["missed"]) == (200, [str(path)], [])
        assert (await dashboard.client.post("/api/estop")).status_code == 200, "nothing needs to be said"
        first, second = (await dashboard.client.get("/api/lab")).json()["presses"]
        assert (first["reason"], first["who"]) == ("smoke", "Ann at the dashboard (127.0.0.1)")
        assert [one.id for one in read(path).trips] == [first["id"], second["id"]]

        async def clear(**body: Any) -> Any:
            return await dashboard.client.post("/api/clear", json=body)

        assert [(await clear(who=who, seen=seen)).status_code for who, seen in ((" ", ["x"]), ("Bob", []))] == [422] * 2
        partly = (await clear(who="Bob", seen=[first["id"]])).json()
        assert partly["latched"]["id"] == second["id"], "what nobody has looked at stays"
        assert (await clear(who="Bob", seen=[second["id"]])).json()["latched"] is None
        assert read(path).cleared[-1].who == "Bob at the dashboard (127.0.0.1)"
        again = await clear(who="Bob", seen=[second["id"]])
        assert (again.status_code, "nothing to clear" in again.json()["detail"]) == (409, True)


async def test_what_others_press_is_shown_and_a_broker_that_is_away_is_told_when_it_is_back(
    serve: Any, folder: Path, start_mosquitto: StartMosquitto
) -> None:
    broker = start_mosquitto()
    text = (folder / "lab.yaml").read_text().replace("x-cell: &cell", "x-cell: &cell\n  remote: true")
    (folder / "lab.yaml").write_text(text.replace("broker: none", f"broker: {{url: {broker.url}, keepalive: 2 s}}"))
    async with serve() as dashboard, Bus(broker.url, client_id="station") as bus:
        watch = dashboard.watch

        def left() -> Any:
            return watch.view.stations[0]

        async def tell(payload: bytes) -> None:
            await bus.publish(STATE, payload, retain=True)

        await until(lambda: "was ever heard" in left().cause)
        await tell(b"{no state")
        await tell(StateMessage(station="left", process="p", state=StationState.RUNNING, cause="works").payload())
        await until(lambda: left().state is StationState.RUNNING)
        assert (left().cause, watch.view.problems) == ("works", ())
        broker.kill()
        await until(lambda: left().state is None)
        assert "it was running before that" in left().cause
        assert [one.split(":")[0] for one in watch.view.problems] == ["broker"]
        told = await dashboard.client.post("/api/estop", json={"reason": "fire"})
        assert told.status_code == 200, "the file has it"
        (missed,) = told.json()["missed"]
        assert broker.url in missed
        await until(lambda: watch.view.untold == (broker.url,))
        broker.start()
        heard = asyncio.Event()
        async with Bus(broker.url, client_id="other") as other:
            await other.subscribe("motet/bench/estop", lambda message: heard.set())
            async with asyncio.timeout(20):
                await heard.wait()
        await until(lambda: not watch.view.problems and not watch.view.untold)


async def test_a_station_that_does_not_stop_is_named(
    serve: Any, folder: Path, mosquitto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process hangs, say."""
    monkeypatch.setattr("motet.api.watch.STOPPED_S", 0.2)
    text = (folder / "lab.yaml").read_text().replace("x-cell: &cell", "x-cell: &cell\n  remote: true")
    (folder / "lab.yaml").write_text(text.replace("broker: none", f"broker: {mosquitto}"))
    async with serve() as dashboard, Bus(mosquitto, client_id="station") as bus:
        idle = StateMessage(station="left", process="p", state=StationState.IDLE)
        await bus.publish(STATE, idle.payload(), retain=True)
        await until(lambda: dashboard.watch.view.stations[0].state is StationState.IDLE)
        assert (await dashboard.client.post("/api/estop")).status_code == 200
        await until(lambda: dashboard.watch.view.unstopped == ("left",))
        await bus.publish(STATE, StateMessage(station="left", process="p", state=StationState.ESTOPPED).payload())
        await until(lambda: dashboard.watch.view.unstopped == ())


async def test_several_who_press_at_once_all_reach_the_broker(serve: Any, folder: Path, mosquitto: str) -> None:
    (folder / "lab.yaml").write_text((folder / "lab.yaml").read_text().replace("broker: none", f"broker: {mosquitto}"))
    async with serve() as dashboard:
        presses = [dashboard.client.post("/api/estop", json={"who": str(number)}) for number in range(6)]
        for told in await asyncio.gather(*presses):
            assert (told.json()["missed"], mosquitto in told.json()["reached"]) == ([], True)
        seen = [one.id for one in dashboard.watch.view.presses]
        clears = [dashboard.client.post("/api/clear", json={"who": "Ann", "seen": seen}) for _ in range(3)]
        answers = await asyncio.gather(*clears)
        assert {one.status_code for one in answers} <= {200, 409}
        assert [one.json()["latched"] for one in answers if one.status_code == 200].count(None) >= 1
        await until(lambda: not dashboard.watch.view.presses)


async def test_a_press_that_is_sent_again_is_the_same_press(serve: Any) -> None:
    async with serve() as dashboard:
        press = {"id": "0123456789abcdef", "reason": "fire"}
        for _ in range(2):  # the first answer was lost on its way
            assert (await dashboard.client.post("/api/estop", json=press)).json()["latched"]["id"] == press["id"]
        assert len(dashboard.watch.view.presses) == 1
        await dashboard.client.post("/api/clear", json={"who": "Ann", "seen": [press["id"]]})
        again = await dashboard.client.post("/api/estop", json=press)
        assert again.json()["latched"] is None, "somebody has cleared it"


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("application/x-www-form-urlencoded", '{"reason": "smoke"}', "smoke"),  # curl -d
        ("application/x-www-form-urlencoded", "reason=smoke+here&who=", "smoke here"),  # the page without its script
        ("text/plain", "smoke", "not understood: smoke"),
        ("application/json", '{"id": "1", "reason": "smoke"}', 'not understood: {"id": "1", "reason": "smoke"}'),
        ("application/json", '{"reason": "\\ud800"}', 'not understood: {"reason": "\\ud800"}'),
        ("application/json", f'{{"reason": "{2000 * "x"}", "who": "{500 * "y"}"}}', 1000 * "x"),
        ("application/octet-stream", b"\xff", "not understood: \ufffd"),
        ("application/json", " ", "no reason was given"),
    ],
)
async def test_whatever_is_said_with_a_press_it_is_pressed(serve: Any, kind: str, body: Any, reason: str) -> None:
    async with serve() as dashboard:
        headers = {"Content-Type": kind}
        told = await dashboard.client.post("/api/estop", content=body, headers=headers)
        assert (told.status_code, told.json()["latched"]["reason"]) == (200, reason)


async def test_a_request_without_an_end_is_given_up(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also from somebody who has no token."""
    monkeypatch.setattr(body, "LONGEST_S", 0.2)

    async def much() -> AsyncGenerator[bytes]:
        for _ in range(5):
            yield body.MOST_BYTES // 4 * b" "

    async with serve("correct horse battery") as dashboard:
        for path, status in (("/login", 413), ("/api/estop", 401)):
            assert (await dashboard.client.post(path, content=much())).status_code == status
        address = dashboard.client.base_url
        reader, writer = await asyncio.open_connection(address.host, address.port)
        head = f"POST /login HTTP/1.1\r\nHost: {address.host}:{address.port}\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head.encode() + b"1\r\nx\r\n")
        async with asyncio.timeout(10):
            assert (await reader.readline()).split()[1] == b"408"
        writer.close()


@pytest.mark.slow
async def test_a_broker_that_hangs_keeps_no_press_and_nobody_who_wants_to_end(
    serve: Any, folder: Path, start_mosquitto: StartMosquitto
) -> None:
    broker = start_mosquitto()
    text = (folder / "lab.yaml").read_text()
    (folder / "lab.yaml").write_text(text.replace("broker: none", f"broker: {{url: {broker.url}, keepalive: 2 s}}"))
    try:
        async with asyncio.timeout(20), serve() as dashboard:
            await until(lambda: not dashboard.watch.view.problems)
            broker.freeze()
            pressing = asyncio.create_task(dashboard.client.post("/api/estop", json={"reason": "smoke"}))
            await until(lambda: read(latch_file(folder / "data", "bench")).trips)
            assert not pressing.done(), "who hangs is waited for, and nothing waits for him"
            told = await pressing
            assert told.status_code == 200
            assert broker.url in told.json()["missed"][0]
    finally:
        broker.thaw()


async def test_a_press_that_reaches_nobody_says_so_and_is_shown_all_the_same(serve: Any, folder: Path) -> None:
    (folder / "data").mkdir()
    in_the_way = latch_file(folder / "data", "bench")
    async with serve() as dashboard:
        in_the_way.mkdir()  # nothing can be written there, whoever asks
        told = await dashboard.client.post("/api/estop", json={"reason": "smoke"})
        assert (told.status_code, told.json()["reached"]) == (503, [])
        assert str(in_the_way) in told.json()["missed"][0]
        assert "smoke" in [one.reason for one in dashboard.watch.view.presses]


async def test_pages_of_others_are_refused(serve: Any, folder: Path) -> None:
    async with serve() as dashboard:
        client = dashboard.client
        here = str(client.base_url).rstrip("/").removeprefix("http://")
        port = here.rpartition(":")[2]
        refused = (
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://[::1"},
            {"Origin": f"http://127.0.0.1:{int(port) - 1}"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Host": f"rebound.example:{port}", "Origin": f"http://rebound.example:{port}"},
        )
        for headers in refused:
            for path, body in (("/api/estop", {}), ("/api/clear", {"who": "eve", "seen": ["x"]})):
                assert (await client.post(path, json=body, headers=headers)).status_code == 403, headers
        assert (await client.get("/api/lab", headers={"Host": "rebound.example"})).status_code == 403
        assert not latch_file(folder / "data", "bench").exists()
        own = {"Origin": f"http://{here}", "Sec-Fetch-Site": "same-origin"}
        answer = await client.post("/api/estop", headers=own)
        assert answer.status_code == 200
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_every_name_of_this_computer_is_one_and_others_are_not() -> None:
    local, elsewhere = Access("127.0.0.1"), Access("::", "correct horse battery")
    for host in ("127.0.0.1:8420", "localhost:8420", "[::1]:8420", "LOCALHOST"):
        assert local.refusal("POST", {"host": host, "origin": f"http://{host}"}) == ""
    for host in ("[::2]:8420", "[::1", "127.0.0.1.example", "", "localhost@example"):
        assert local.refusal("POST", {"host": host}), host
    for host in ("[fe80::1]:8420", "lab.example"):  # with a token any name may be its own: of a proxy, too
        assert elsewhere.refusal("POST", {"host": host, "origin": f"https://{host}"}) == ""
        assert "may not use this dashboard" in elsewhere.refusal("POST", {"host": host, "origin": "https://x"})


async def test_a_web_socket_of_another_page_is_refused() -> None:
    came: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        came.append(scope["path"])

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        came.append(message["type"])

    for origin, token in (
        ("http://evil.example", None),
        ("http://127.0.0.1:80", "correct horse battery"),
        (None, None),
    ):
        headers = [(b"host", b"127.0.0.1:80"), *([(b"origin", origin.encode())] if origin else [])]
        guard = Guard(app, Access("127.0.0.1", token))
        await guard({"type": "websocket", "path": "/live", "headers": headers}, receive, send)
    assert came == ["websocket.close", "websocket.close", "/live"]


async def test_who_has_the_token_may_and_others_may_not(serve: Any, folder: Path) -> None:
    token = "correct horse battery"
    async with serve(token) as dashboard:
        client = dashboard.client
        for headers in ({}, {"Authorization": "Bearer wrong horse battery"}, {"Cookie": "motet-dashboard=x"}):
            assert (await client.post("/api/estop", headers=headers)).status_code == 401
            assert (await client.get("/api/lab", headers=headers)).status_code == 401
        assert not latch_file(folder / "data", "bench").exists()
        page = await client.get("/", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/login")
        assert (await client.post("/login", data={"token": "wrong"})).status_code == 401
        shown = await client.post("/login", data={"token": token})
        assert (shown.status_code, token in shown.headers["set-cookie"]) == (303, False)
        assert (await client.get("/api/lab")).status_code == 200, "the browser keeps a cookie"
        client.cookies.clear()
        assert (await client.post("/api/estop", headers={"Authorization": f"Bearer {token}"})).status_code == 200


async def test_the_api_describes_itself_without_a_network(serve: Any) -> None:
    async with serve() as dashboard:
        found = (await dashboard.client.get("/api/openapi.json")).json()
        assert set(found["paths"]) == {"/api/lab", "/api/estop", "/api/clear"}
        assert "http" not in json.dumps({**found, "info": None})
        assert (await dashboard.client.get("/docs")).status_code == 404
