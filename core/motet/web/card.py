"""A station on the page: made once, and changed where something has changed."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from nicegui import ui

from motet.api.lab_view import StationView
from motet.model.events import StationState


@dataclass(frozen=True, slots=True)
class Look:
    """How a state looks: never by its colour alone."""

    kind: str
    sign: str


_S = StationState
_BUSY, _WAITS, _RESTS = Look("busy", "▶"), Look("waits", "❚❚"), Look("rests", "●")
LOOKS: Mapping[StationState | None, Look] = {
    _S.RUNNING: _BUSY,
    _S.STOPPING: _BUSY,
    _S.PAUSING: _BUSY,
    _S.ABORTING: _BUSY,
    _S.PAUSED: _WAITS,
    _S.CONNECTING: _WAITS,
    _S.CLEARING: _WAITS,
    _S.IDLE: _RESTS,
    _S.ABORTED: _RESTS,
    _S.FAULT: Look("fault", "▲"),
    _S.ESTOPPED: Look("stopped", "■"),
    _S.OFFLINE: Look("offline", "○"),
    None: Look("unknown", "?"),
}


class Card:
    """One station."""

    def __init__(self, station: StationView) -> None:
        self._shown: tuple[StationView, str] | None = None
        self._card = ui.element("article").props(f'data-station="{station.name}"')
        with self._card:
            with ui.element("div").classes("head"):
                ui.label(station.name).classes("name")
                if station.remote:
                    ui.label("remote").classes("tag")
            with ui.element("div").classes("state"):
                self._sign = ui.label().classes("sign").props('aria-hidden="true"')
                self._word = ui.label().classes("word")
            self._cause = ui.label().classes("cause")
            self._facts = ui.label().classes("facts")
            ui.label(", ".join(station.devices)).classes("devices")

    def show(self, station: StationView, cause: str) -> None:
        """What is known of it now, and why it is so, where that is not said already."""
        if (station, cause) == self._shown:
            return
        self._shown = station, cause
        look = LOOKS[station.state]
        word = "unknown" if station.state is None else str(station.state)
        self._card.classes(replace=f"station {look.kind}")
        self._sign.set_text(look.sign)
        self._word.props(f'data-state="{word}"').set_text(word)
        self._cause.set_text(cause)
        facts = [station.campaign, "" if station.since is None else f"since {moment(station.since)}"]
        self._facts.set_text(" · ".join(filter(None, facts)))


def moment(at: float) -> str:
    """The time of day, with the date where it is another day than today."""
    when, now = time.localtime(at), time.localtime()
    return time.strftime("%H:%M:%S" if when[:3] == now[:3] else "%Y-%m-%d %H:%M:%S", when)
