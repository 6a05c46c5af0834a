"""The page of a benchmark, as a file and as a browser shows it."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plotly import graph_objects

from motet.study.replay.figures import plots
from motet.study.replay.judged import Aim
from motet.study.replay.page import write_page
from motet.study.replay.question import ReplayQuestion
from motet.study.replay.run import Entry, Run
from motet.study.replay.summary import ReplaySummary, summarize
from motet_testing.browser import chromium

EVIL = "</script><script>document.title = 'owned'</script>"


def benchmark(question: ReplayQuestion, names: tuple[str, ...] = ("gp+ucb", "rf")) -> ReplaySummary:
    """Runs of learners that find the top of 60 points in some random order, with one worker and with four."""
    rng = np.random.default_rng(0)
    asked = replace(question, points=60, learners={name: {} for name in names}, workers=(1, 4))
    runs: list[Run] = []
    for entry in asked.entries:
        for seed in asked.seeds:
            ended = np.cumsum(rng.uniform(0.5, 1.5, 60)) / entry.workers
            order = rng.permutation(60)
            asks = rng.uniform(0.001, 0.01, 58)
            runs.append(Run(entry, seed, tuple(order.tolist()), tuple(ended.tolist()), tuple(asks.tolist()), "done"))
    return summarize(runs, asked, Aim(np.arange(60) < 6, np.arange(60) < 1, "1 %"))


def test_the_page_tells_everything_and_escapes_names(replay_question: ReplayQuestion, tmp_path: Path) -> None:
    path = write_page(benchmark(replay_question, ("gp+ucb", EVIL)), tmp_path / "new" / "report.html")
    text = re.sub(r"<script>.{1000000,}?</script>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert EVIL not in text
    for expected in (
        "line.csv",
        "find the best 6 of 60 measured points",
        "N80",
        "random choice (closed form)",
        "Several workers against one",
        "No run failed.",
        "the mean of their distinct values",
    ):
        assert expected in text


def test_plotly_takes_every_figure(replay_question: ReplayQuestion) -> None:
    found = plots(benchmark(replay_question))
    assert [plot.name for plot in found] == ["top-share", "enhancement", "n80", "seconds", "speed-up"]
    for plot in found:
        graph_objects.Figure(plot.figure)


def test_a_benchmark_without_a_run_has_a_page(replay_question: ReplayQuestion, tmp_path: Path) -> None:
    aim = Aim(np.arange(10) < 5, np.arange(10) < 1, "1 %")
    failed = summarize([Run(Entry("rf"), 0, error="LearnerError: no")], replay_question, aim)
    text = write_page(failed, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No run was done." in text
    assert "LearnerError: no" in text


@pytest.mark.slow
async def test_every_figure_is_drawn_without_a_complaint_or_a_request(
    replay_question: ReplayQuestion, tmp_path: Path
) -> None:
    path = write_page(benchmark(replay_question), tmp_path / "report.html")
    complaints: list[str] = []
    async with chromium() as browser:
        page = await (await browser.new_context(offline=True)).new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
        await page.goto(path.as_uri())
        await page.wait_for_selector("html[data-drawn='5']", state="attached", timeout=60_000)
        assert await page.locator("#combinations tbody tr").count() == 5
        assert await page.locator("#parallel tbody tr").count() == 2
        assert await page.locator("#plot-0 .scatterlayer .trace path.js-line").count() >= 5
        assert await page.locator("#plot-2 .boxlayer .trace").count() == 4
    assert complaints == []
