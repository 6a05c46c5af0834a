"""The page as a browser shows it, with no network."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from motet.model.events import CampaignState
from motet.report import write_report
from motet_testing.browser import chromium

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

EVIL = "</script><script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"


@dataclass
class Seen:
    """A page that was opened, with what it complained of and what it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list[str])
    requests: list[str] = field(default_factory=list[str])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


async def show(browser: Browser, report: Path, **options: Any) -> Seen:
    """Open a report and wait until it says that its figures are drawn."""
    context = await browser.new_context(offline=True, **options)
    seen = Seen(await context.new_page())
    seen.page.on("console", lambda message: seen.complaints.append(f"{message.type}: {message.text}"))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    await seen.page.goto(report.as_uri())
    await seen.page.wait_for_selector("html[data-drawn]", state="attached", timeout=60_000)
    return seen


async def test_every_figure_is_drawn_without_a_complaint_or_a_request(
    campaign: Any, browser: Browser, tmp_path: Path
) -> None:
    report = write_report(await campaign(), "twin_sdc", tmp_path / "report.html")
    seen = await show(browser, report)
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith("data:")] == [report.as_uri()]
    page = seen.page
    assert await page.locator(".plot .main-svg").count() >= 4
    assert await page.locator("#plot-0 .points path").count() >= 110
    assert await page.locator("#plot-3 .bars .point path").count() >= 220
    assert await page.locator("#plot-1 .hm image").count() == 1


async def test_a_click_on_a_head_sorts_the_table(campaign: Any, browser: Browser, tmp_path: Path) -> None:
    seen = await show(browser, write_report(await campaign(count=30), "twin_sdc", tmp_path / "report.html"))
    head = seen.page.locator("#experiments th", has_text="current (mA)")
    cells = seen.page.locator("#experiments tbody td:nth-child(8)")
    for descending in (False, True):
        await head.click()
        values = [float(text) for text in await cells.all_inner_texts() if text != "\u2013"]
        assert len(values) == 29
        assert values == sorted(values, reverse=descending)


async def test_the_page_follows_the_dark_scheme_and_prints_on_light_paper(
    campaign: Any, browser: Browser, tmp_path: Path
) -> None:
    report = write_report(await campaign(count=12), "twin_sdc", tmp_path / "report.html")
    page = (await show(browser, report, color_scheme="dark")).page
    ink = "getComputedStyle(document.querySelector('#plot-0 .xtitle')).fill"
    paper = "getComputedStyle(document.body).backgroundColor"
    assert (await page.evaluate(ink), await page.evaluate(paper)) == ("rgb(228, 233, 238)", "rgb(18, 22, 27)")
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    await page.wait_for_function(f"{ink} === 'rgb(27, 36, 48)'")


async def test_html_in_names_and_reasons_does_nothing(campaign: Any, browser: Browser, tmp_path: Path) -> None:
    reader = await campaign(
        count=30, fault=EVIL, why=EVIL, reason=EVIL, stations=(EVIL, "b"), state=CampaignState.STOPPED
    )
    seen = await show(browser, write_report(reader, "twin_sdc", tmp_path / "report.html"))
    assert seen.complaints == []
    assert await seen.page.title() == "twin_sdc-1 · Motet report"
    assert await seen.page.locator("img").count() == 0
    assert EVIL in await seen.page.locator("#failures").inner_text()


async def test_nothing_measured_is_shown_as_such(campaign: Any, browser: Browser, tmp_path: Path) -> None:
    seen = await show(browser, write_report(await campaign(count=0), "twin_sdc", tmp_path / "report.html"))
    assert seen.complaints == []
    assert "no experiment has been dispatched" in await seen.page.inner_text("main")


def two_numbers(number: int, point: Mapping[str, Any]) -> dict[str, float]:
    return {"a": point["x"], "b": point["x"] * point["y"], "p": point["y"]} if number % 7 else {"b": 3.0, "p": 0.0}


def a_class(number: int, point: Mapping[str, Any]) -> dict[str, float]:
    return {"phase": float(number % 3)}


def a_note(number: int) -> dict[str, float]:
    return {"probability": 1 / number}


def a_problem(number: int) -> str:
    return "singular" if number == 9 else ""


@pytest.mark.parametrize(
    ("fields", "figures"),
    [
        (
            {
                "objectives": {"a": {"goal": "maximize"}, "b": {"goal": "minimize"}},
                "constraints": {"p": {"at_most": 40.0}},
                "values": two_numbers,
                "notes": a_note,
                "problem": a_problem,
            },
            9,
        ),
        ({"objectives": {"phase": {"goal": "classify", "classes": ["FCC", "BCC", "HCP"]}}, "values": a_class}, 3),
    ],
)
async def test_several_objectives_and_classes_are_drawn_without_a_complaint(
    campaign: Any, browser: Browser, tmp_path: Path, fields: dict[str, Any], figures: int
) -> None:
    seen = await show(browser, write_report(await campaign(count=40, **fields), "twin_sdc", tmp_path / "report.html"))
    assert seen.complaints == []
    assert await seen.page.get_attribute("html", "data-drawn") == str(figures)
    assert await seen.page.locator("#without-model").count() == ("problem" in fields)
    assert (await seen.page.locator("#front tbody tr").count() > 0) == ("constraints" in fields)
