"""The page of a study as a browser shows it, with no network."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from motet.study.page import write_page
from motet.study.question import Question
from motet.study.result import TrialResult
from motet.study.summary import StudySummary, summarize
from motet_testing.browser import chromium

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

Study = Callable[[Question], Iterator[TrialResult]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


async def show(browser: Browser, path: Path, complaints: list[str]) -> Page:
    """Open a page and wait until it says that its figures are drawn."""
    page = await (await browser.new_context(offline=True)).new_page()
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
    await page.goto(path.as_uri())
    await page.wait_for_selector("html[data-drawn]", state="attached", timeout=60_000)
    return page


async def test_every_figure_is_drawn_without_a_complaint_or_a_request(
    question: Question, summary: StudySummary, browser: Browser, tmp_path: Path
) -> None:
    complaints: list[str] = []
    path = write_page(summary, question, tmp_path / "study.html")
    page = await show(browser, path, complaints)
    assert complaints == []
    assert await page.locator("#plot-0 .scatterlayer .trace path.js-line").count() >= 12
    assert await page.locator("#plot-1 .scatterlayer .trace path.js-line").count() >= 12
    assert await page.locator("#plot-2 .points path").count() == 3
    assert await page.locator("#combinations tbody tr").count() == 12
    assert await page.locator("#said .said").first.locator("li").count() == 11


async def test_the_table_of_combinations_is_sorted_by_a_click(
    question: Question, summary: StudySummary, browser: Browser, tmp_path: Path
) -> None:
    path = write_page(summary, question, tmp_path / "study.html")
    page = await show(browser, path, [])
    head = page.locator("#combinations th", has_text="experiments to goal")
    cells = page.locator("#combinations tbody td:nth-child(6)")
    for descending in (False, True):
        await head.click()
        values = [float(text.split()[0]) for text in await cells.all_inner_texts()]
        assert len(values) == 12
        assert values == sorted(values, reverse=descending)


async def test_a_study_without_a_trial_is_shown_as_such(question: Question, browser: Browser, tmp_path: Path) -> None:
    complaints: list[str] = []
    page = await show(browser, write_page(summarize([], question), question, tmp_path / "study.html"), complaints)
    assert complaints == []
    assert "No trial was run." in await page.inner_text("main")
