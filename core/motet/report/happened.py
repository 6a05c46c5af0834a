"""What happened in a campaign beside its experiments, as rows of text: interlocks, refills, questions to people."""

from collections.abc import Sequence

from motet.model.questions import QuestionState, told
from motet.model.queue import MODE
from motet.report.text import NOTHING, duration
from motet.store import EventRow, QuestionRow
from motet.store.records import STEP_BEGUN

OWN = ("began", STEP_BEGUN)
"""Kinds of events that are no news to people."""
MOST = 500
"""The last so many are shown."""


def happened(events: Sequence[EventRow], questions: Sequence[QuestionRow]) -> list[tuple[str, ...]]:
    """When, what, about what, and the particulars; in the order of the campaign's time."""
    rows = [(event.at.elapsed, _event(event)) for event in events if event.kind not in OWN]
    rows += [(question.asked.elapsed, _question(question)) for question in questions]
    rows.sort(key=lambda row: row[0])
    return [(duration(elapsed), *cells) for elapsed, cells in rows[-MOST:]]


def _event(event: EventRow) -> tuple[str, ...]:
    return event.kind, (event.about if event.kind != MODE else "") or NOTHING, event.text or NOTHING


def _question(row: QuestionRow) -> tuple[str, ...]:
    experiment = "" if row.experiment is None else f", #{row.experiment}"
    closed = row.closed
    if closed.state is QuestionState.OPEN:
        became = "open"
    else:
        took = "" if row.ended is None else f" after {duration(row.ended.elapsed - row.asked.elapsed)}"
        what = closed.reason if closed.answer is None else told(closed.answer, row.question.form)
        became = f"{closed.state}{took}: {what}"
    return f"question {row.number}", f"{row.question.device}{experiment}", f"{row.question.text} [{became}]"
