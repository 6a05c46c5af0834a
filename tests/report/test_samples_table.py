"""The table of samples: who each is, where it is and where it has been; and its filter in a browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.report import write_report
from motet.report.material import Material
from motet.report.sample_rows import Stop, sample_rows
from motet.store import CampaignRecord, Reader, Stamp, Store
from motet_testing.browser import chromium


def at(elapsed: float) -> Stamp:
    return Stamp(1_760_000_000.0 + elapsed, elapsed)


async def written(path: Path, *, stages: bool = True, count: int = 12) -> Reader:
    """Number 1 failed once at another station; the last two are under way and between their stages; most are done."""
    store = await Store.open(path)
    objectives = {"mass": {"goal": "minimize"}}
    record = CampaignRecord("c", "lab", {}, {}, 0, ("a", "b", "scales"), objectives, {}, at(0))
    campaign = await store.new_campaign(record)
    make, measure = ("make", "measure") if stages else ("", "")
    for number in range(1, count + 1):
        one, begin, attempt = Experiment(campaign, number, Suggestion({}, "of the test")), 10.0 * number, 1
        store.planned(one, at(begin))
        if number == 1 and stages:
            store.running(one, "b", attempt, at(begin), make)
            store.retried(one, "b", "no <reply>", at(begin + 1), make)
            attempt = 2
        store.running(one, "a", attempt, at(begin + 1), make)
        if stages and number < count:
            store.staged(one, "a", at(begin + 5), make)
        if stages and number < count - 1:
            store.running(one, "scales", attempt + 1, at(begin + 6), measure)
        if not stages or number < count - 1:
            store.ended(Outcome(one, State.DONE, {"mass": 5.0}), "scales" if stages else "a", at(begin + 8))
    await store.close()
    return Reader(path)


def material(reader: Reader) -> Material:
    return Material(reader.campaign("c"), tuple(reader.experiments("c")), tuple(reader.events("c")))


async def test_each_sample_has_a_place_and_its_history_through_the_stages(tmp_path: Path) -> None:
    rows = sample_rows(material(await written(tmp_path / "motet.db")))
    assert [(row.id, row.place, row.stands) for row in (rows[0], rows[-2], rows[-1])] == [
        ("c-1/1", "scales", "left there"),
        ("c-1/11", "a", "waits to go on"),
        ("c-1/12", "a", "being worked on"),
    ]
    assert rows[0].stops == (
        Stop("make at b", "after 10 s", "for 1 s", "no <reply>"),
        Stop("make at a", "after 11 s", "for 4 s", ""),
        Stop("measure at scales", "after 16 s", "for 2 s", ""),
    )
    assert rows[-1].stops[-1].lasted == "under way"


async def test_samples_that_stay_where_they_are_need_no_table(tmp_path: Path) -> None:
    assert sample_rows(material(await written(tmp_path / "motet.db", stages=False))) == []


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with chromium() as browser:
        yield await browser.new_page()


@pytest.mark.slow
async def test_the_table_is_filtered_by_number_range_word_and_station(tmp_path: Path, page: Page) -> None:
    report = write_report(await written(tmp_path / "motet.db"), "c", tmp_path / "report.html")
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))  # plotly.js, of figures with stages
    await page.goto(report.as_uri())
    await page.wait_for_selector("html[data-drawn]", state="attached", timeout=60_000)
    search, place = page.locator("#samples input"), page.locator("#samples select")
    numbers = page.locator("#samples tbody tr:visible td:first-child")
    for text, station, left in (
        ("1", "", ["1"]),
        ("#9 - 11", "", ["9", "10", "11"]),
        ("no <reply>", "", ["1"]),
        ("worked on", "", ["12"]),
        ("", "b", ["1"]),
        ("10-12", "scales", ["10"]),
        ("99", "", []),
    ):
        await search.fill(text)
        await place.select_option(station)
        assert await numbers.all_inner_texts() == left, (text, station)
        assert await page.locator("#samples output").inner_text() == (
            f"{len(left)} of 12" if left else "no sample fits"
        )
    await search.fill("")
    assert len(await numbers.all_inner_texts()) == 12
    assert complaints == []
