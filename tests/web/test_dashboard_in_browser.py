"""The dashboard as a person uses it: a real browser, the real command, and a campaign that runs meanwhile."""

import asyncio
import json
import os
import queue
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from motet.api.run import Options, Run, load
from motet.model.events import Event, StationChanged, StationState
from motet.station.latch_state import latch_file, read
from motet_testing.browser import chromium

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]
PATIENCE_S = 30
TOKEN = "correct horse battery"


class Campaign:
    """A campaign on simulated stations, and what its stations become."""

    def __init__(self, folder: Path) -> None:
        options = Options(folder / "data")
        self._changes: queue.Queue[StationChanged] = queue.Queue()
        self.run = Run(load(folder / "campaign.yaml", options), options, [self._see], answered_here=False)

    def _see(self, event: Event) -> None:
        if isinstance(event, StationChanged):
            self._changes.put(event)

    def wait(self, *states: StationState) -> list[StationChanged]:
        """Until both stations have been in one of these states; what came meanwhile."""
        came: list[StationChanged] = []
        while {one.station for one in came if one.state in states} != {"left", "right"}:
            came.append(self._changes.get(timeout=PATIENCE_S))
        return came

    @property
    def changes(self) -> list[StationChanged]:
        """What has come since somebody looked last."""
        return [self._changes.get_nowait() for _ in range(self._changes.qsize())]


@contextmanager
def at_work(folder: Path) -> Generator[Campaign]:
    campaign = Campaign(folder)
    try:
        yield campaign
    finally:
        campaign.run.command("abort", "the test is over")
        campaign.run.wait(PATIENCE_S)
        campaign.run.close()


class Dashboard:
    """The real command; its address is there when it is."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @cached_property
    def url(self) -> str:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())["url"]

    def end(self) -> None:
        self._process.terminate()
        assert self._process.wait(PATIENCE_S) == 0


@contextmanager
def dashboard(folder: Path) -> Generator[Dashboard]:
    command = [sys.executable, "-m", "motet", "dashboard", "lab.yaml", "--port", "0", "--json"]
    environment = os.environ | {"MOTET_DATA": str(folder / "data"), "MOTET_DASHBOARD_TOKEN": TOKEN}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Dashboard(process)
        finally:
            process.kill()


@asynccontextmanager
async def browser_page() -> AsyncGenerator[tuple[Page, list[str]]]:
    """A page, and what it asked for."""
    async with chromium() as browser:
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        yield page, asked


async def test_the_button_stops_a_campaign_and_a_person_clears_it(folder: Path) -> None:
    expect.set_options(timeout=PATIENCE_S * 1000)
    with dashboard(folder) as shown, at_work(folder) as campaign:
        async with browser_page() as (page, asked):
            url = await asyncio.to_thread(lambda: shown.url)
            await page.goto(url)
            for given in ("wrong", TOKEN):
                await page.fill("#token", given)
                await page.click("button")
            stations = page.locator("[data-station] [data-state]")
            await asyncio.to_thread(campaign.wait, StationState.RUNNING)
            await expect(page.locator("[data-latched]")).to_have_attribute("data-latched", "no")
            await page.fill("#reason", "<b>smoke</b>")
            await page.click("#estop")  # and nothing else
            await asyncio.to_thread(campaign.wait, StationState.ESTOPPED)
            await expect(stations).to_have_text(["e-stopped", "e-stopped"])
            await expect(page.locator(".press .reason")).to_have_text("<b>smoke</b>")
            await expect(page.locator("#said")).to_have_text("Emergency stop is pressed.")
            await expect(page).to_have_title("E-STOPPED: bench - Motet")
            (trip,) = read(latch_file(folder / "data", "bench")).trips
            assert trip.reason == "<b>smoke</b>"

            await page.click('[data-opens="clear"]')
            await expect(page.locator("#clear-presses li")).to_have_count(1)
            await page.click("#clear-do")
            assert read(latch_file(folder / "data", "bench")).trips, "a name and a confirmation are needed"
            await page.fill("#clear-who", "Ann")
            await page.click("#clear-do")
            assert read(latch_file(folder / "data", "bench")).trips, "the confirmation too"
            assert {one.state for one in campaign.changes} <= {StationState.ESTOPPED}, "nothing moved meanwhile"
            await page.check("#clear-sure")
            await page.click("#clear-do")
            await expect(page.locator("[data-latched]")).to_have_attribute("data-latched", "no")
            await asyncio.to_thread(campaign.wait, StationState.IDLE, StationState.PAUSED)
            await expect(stations).to_have_text(["paused", "paused"])
            assert read(latch_file(folder / "data", "bench")).cleared[-1].who.startswith("Ann at the dashboard")

            assert [one for one in asked if not one.startswith(url)] == [], "it needs no network"

            async def refuse(route: Route) -> None:
                await route.abort()

            await page.route("**/api/estop", refuse)
            await page.click("#estop")
            await expect(page.locator("#said")).to_contain_text("NOT STOPPED as far as is known")
            await page.reload()  # as it does itself when the dashboard is back
            await page.unroute("**/api/estop")
            await expect(page.locator("[data-latched]")).to_have_attribute("data-latched", "yes")
            await page.add_init_script("Storage.prototype.setItem = () => { throw new Error('not allowed') }")
            await page.reload()
            await page.click("#estop")
            await expect(page.locator("#said")).to_have_text("Emergency stop is pressed.")
            await page.route("**/dashboard.js", refuse)
            await page.reload()
            await page.fill("#reason", "its script is missing")
            await page.click("#estop")
            await expect(page.locator("body")).to_contain_text("reached")
            assert read(latch_file(folder / "data", "bench")).trips[-1].reason == "its script is missing"
            await page.unroute("**/dashboard.js")
            await page.goto(url)
            await expect(page.locator("[data-latched]")).to_have_attribute("data-latched", "yes")
            await asyncio.to_thread(shown.end)
            await expect(page.locator(".stale")).to_be_visible()
