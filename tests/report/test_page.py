"""The page as a file."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from motet.errors import NotFound
from motet.report import write_report

EVIL = "</script><script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"


class Loads(HTMLParser):
    """Everything a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.found += [value for name, value in attrs if name in ("src", "href", "srcset") and value]


def plain_part(path: Path) -> str:
    """The page without the plotting library."""
    return re.sub(r"<script>.{1000000,}?</script>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


async def test_the_page_loads_nothing(campaign: Any, tmp_path: Path) -> None:
    page = Loads()
    page.feed(write_report(await campaign(), "twin_sdc", tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.found == ["data:,"]
    assert page.scripts == 3


async def test_the_page_tells_the_campaign(campaign: Any, tmp_path: Path) -> None:
    text = plain_part(write_report(await campaign(), "twin_sdc", tmp_path / "new" / "report.html"))
    for expected in (
        "twin_sdc-1",
        "all five points are measured",
        "110",
        "106 done, 4 failed",
        "axis 3 is in a limit switch",
        "scikit-learn",
        "lab: twin",
        "weighted mean and variance of 50 trees",
    ):
        assert expected in text
    assert len(text) < 500_000


async def test_html_in_names_and_reasons_stays_text(campaign: Any, tmp_path: Path) -> None:
    reader = await campaign(count=30, fault=EVIL, why=EVIL, reason=EVIL, stations=(EVIL, "b"))
    text = plain_part(write_report(reader, "twin_sdc", tmp_path / "report.html"))
    assert "<img" not in text
    assert "<script>document" not in text
    figures = text.partition('id="figures">')[2].partition("</script>")[0]
    assert len(json.loads(figures)) == 4


async def test_a_report_replaces_the_older_one_and_leaves_nothing_else(campaign: Any, tmp_path: Path) -> None:
    reader = await campaign(count=4)
    for _ in range(2):
        write_report(reader, "twin_sdc", tmp_path / "out" / "report.html")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.html"]


async def test_an_unknown_campaign_writes_no_page(campaign: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="did you mean twin_sdc"):
        write_report(await campaign(count=1), "twin_scd", tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


async def test_the_table_of_a_long_campaign_is_cut_and_says_so(campaign: Any, tmp_path: Path) -> None:
    text = plain_part(write_report(await campaign(count=1200), "twin_sdc", tmp_path / "report.html"))
    assert "The last 1000 are shown; 200 earlier ones are in the store" in text
