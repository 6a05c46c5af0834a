"""What happened besides: in the report and in `motet show`."""

import json
from pathlib import Path
from typing import Any

import pytest

from motet.cli.results import show
from motet.model.questions import AnswerForm, Asked, Closed, Question, QuestionState
from motet.model.queue import MODE, QueueEntry, QueueState
from motet.report import write_report
from motet.store import Reader, Stamp, Store


async def lived(reader: Reader) -> Reader:
    """Adds to a campaign what may happen in one."""
    store = await Store.open(reader.path)
    asked = Asked(1, Question("sdc1-hands", "Is <the plate> clean?", AnswerForm(answer="yes_no")), None, 0.0)
    store.happened("twin_sdc-1", "began", "", "", {"seed": 7}, Stamp(0.0, 0.0))
    store.happened("twin_sdc-1", "interlock tripped", "sdc1.hot", "85 degC is above 80 degC", {}, Stamp(60.0, 60.0))
    store.happened("twin_sdc-1", MODE, "between", "queued experiments are run between", {}, Stamp(61.0, 61.0))
    store.asked("twin_sdc-1", asked, Stamp(70.0, 70.0))
    store.question_closed("twin_sdc-1", 1, Closed(QuestionState.ANSWERED, True), Stamp(75.0, 75.0))
    done = await store.queued("twin_sdc-1", QueueEntry({"x": 5.0, "y": 5.0}, "", "", 0.0), Stamp(80.0, 80.0))
    store.queue_changed("twin_sdc-1", done, state=QueueState.CANCELLED, at=Stamp(81.0, 81.0))
    await store.queued("twin_sdc-1", QueueEntry({"x": 7.5, "y": 5.0}, "a check", "Ada", 1.0), Stamp(80.0, 80.0))
    await store.close()
    return reader


async def test_the_report_tells_what_happened_in_its_order(campaign: Any, tmp_path: Path) -> None:
    page = write_report(await lived(await campaign(count=3)), "twin_sdc", tmp_path / "report.html").read_text()
    section = page.split('id="happened"')[1].split("</section>")[0]
    tripped, mode, question = section.split("<tbody>")[1].split("</tr>")[:3]
    assert "<td>interlock tripped</td><td>sdc1.hot</td><td>85 degC is above 80 degC</td>" in tripped
    assert "queued experiments are run between" in mode
    assert "Is &lt;the plate&gt; clean? [answered after" in question
    assert ": yes]" in question
    assert "began" not in section


async def test_a_report_of_a_campaign_where_nothing_happened_has_no_such_table(campaign: Any, tmp_path: Path) -> None:
    page = write_report(await campaign(count=3), "twin_sdc", tmp_path / "report.html").read_text()
    assert 'id="happened"' not in page


async def test_show_tells_the_queue_and_what_happened(campaign: Any, capsys: pytest.CaptureFixture[str]) -> None:
    reader = await lived(await campaign(count=3))
    show("twin_sdc", data=reader.path.parent)
    text = capsys.readouterr().out
    assert "queue    1 never began\n         2 x = 7.5 mm, y = 5 mm, queued by Ada: a check\n" in text
    assert "happened 1:00 interlock tripped sdc1.hot: 85 degC is above 80 degC\n" in text
    assert "began  " not in text
    show("twin_sdc", data=reader.path.parent, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["queue_mode"] == "between"
    assert [(one["number"], one["state"], one["who"]) for one in found["queue"]] == [
        (1, "cancelled", ""),
        (2, "queued", "Ada"),
    ]
    (event,) = found["events"]
    assert (event["kind"], event["about"], event["elapsed_s"]) == ("interlock tripped", "sdc1.hot", 60.0)
