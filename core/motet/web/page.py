"""The page of the dashboard: what is live comes from NiceGUI over a web socket; the emergency stop needs none.

The button and the form that clears are plain HTML, and their script (`static/dashboard.js`) speaks to the HTTP API: so
they work while the web socket is broken, and they say so when the dashboard does not answer. Where that script cannot
be had, the browser sends the form of the button by itself.
"""

import time
from pathlib import Path

from fastapi import FastAPI
from nicegui import ui

from motet.api.lab_view import LabView
from motet.api.watch import Watch
from motet.web.card import Card, moment

LOOK_S = 0.25
"""How often the page is compared with the lab, seconds."""
MANY = 12
"""Of more stations than these each is shown smaller."""
_CONTROLS = Path(__file__).with_name("controls.html")


def add_page(app: FastAPI, watch: Watch) -> None:
    """Put the page on the application, at `/`."""

    def page() -> None:
        _page(watch)

    ui.run_with(
        app,
        root=page,
        title=f"{watch.lab.lab} - Motet",
        dark=None,
        tailwind=False,
        show_welcome_message=False,
        favicon="🛑",
    )


def _page(watch: Watch) -> None:
    ui.add_head_html('<link rel="stylesheet" href="/static/dashboard.css">')
    ui.add_body_html('<script src="/static/dashboard.js"></script>')
    view = watch.view
    with ui.element("header").classes("top"):
        ui.label(view.lab).classes("lab").props('role="heading" aria-level="1"')
        if view.simulated:
            ui.label("simulated").classes("tag")
        clock = ui.label().classes("clock").props('id="clock"')
    ui.label(
        "The dashboard has not been heard for some seconds: what is shown may be old. The button still tries."
    ).classes("stale").props('role="alert"')
    with ui.element("main").classes("live"):
        banner = _Banner()
        with ui.element("section").classes("stations many" if len(view.stations) > MANY else "stations"):
            cards = [Card(station) for station in view.stations]
    ui.html(_CONTROLS.read_text(), sanitize=False).classes("controls")

    def look() -> None:
        now = watch.view
        clock.set_text(time.strftime("%H:%M:%S", time.localtime(now.at)))
        banner.show(now)
        said = {str(press) for press in now.presses}
        for card, station in zip(cards, now.stations, strict=True):
            card.show(station, "" if station.cause in said else station.cause)

    look()
    ui.timer(LOOK_S, look)


class _Banner:
    """Whether the lab is e-stopped, and what cannot be seen; drawn anew when that changes, which is seldom."""

    def __init__(self) -> None:
        self._place = ui.element("div").classes("banner")
        self._shown: tuple[object, ...] | None = None
        self._untold: tuple[str, ...] = ()

    def show(self, view: LabView) -> None:
        """What is known now. That a press is being told just now is no news: only what was untold before is shown."""
        before, self._untold = self._untold, view.untold
        view = view.model_copy(update={"untold": tuple(place for place in view.untold if place in before)})
        if (new := (view.presses, view.untold, view.unstopped, view.problems)) == self._shown:
            return
        self._shown = new
        self._place.clear()
        with self._place:
            if view.presses:
                _pressed(view)
            else:
                _free()
            for problem in view.problems:
                ui.label(f"Cannot be seen: {problem}").classes("problem").props('role="status"')


def _free() -> None:
    with ui.element("section").classes("latch free").props('data-latched="no"'):
        ui.label("Not e-stopped").classes("word")
        ui.label("the lab may move").classes("what")


def _pressed(view: LabView) -> None:
    untold = "yes" if view.untold else "no"
    props = f'data-latched="yes" data-untold="{untold}" role="alert"'
    with ui.element("section").classes("latch pressed").props(props):
        ui.label("E-STOPPED").classes("word")
        ui.label("nothing moves until a person clears it").classes("what")
        for station in view.unstopped:
            ui.label(f"{station} has not said that it has stopped: go there, use its switch").classes("unstopped")
        for press in view.presses:
            with ui.element("div").classes("press"):
                ui.label(press.reason).classes("reason")
                ui.label(f"{press.who}, {moment(press.at)}").classes("by")
        for place in view.untold:
            ui.label(f"Not told yet, and being tried: {place}").classes("untold")
        clear = ui.element("button").classes("open-clear").props('type="button" data-opens="clear"')
        clear.add_slot("default", "Clear...")
