"""How a question to people is listed."""

from collections.abc import Sequence
from typing import Any

from motet.cli.text import became, clock, moment, needed, point
from motet.model.questions import QuestionState
from motet.store import QuestionRow


def line(row: QuestionRow) -> str:
    """`1 cell1-scales (experiment 3, x = 5): What do the scales show? [a number in g; open since 2026-01-31 12:00]`."""
    which = f" (experiment {row.experiment}, {point(row.parameters)})" if row.experiment is not None else ""
    question = row.question
    state = became(row.closed, question.form)
    if row.closed.state is QuestionState.OPEN:
        within = f" within {question.within}" if question.within else ""
        state = f"{needed(question.form)}{within}; open since {moment(row.asked.wall)}"
    elif row.ended is not None:
        state += f"; after {clock(row.ended.elapsed - row.asked.elapsed)}"
    return f"{row.number} {question.device}{which}: {question.text} [{state}]"


def as_dict(row: QuestionRow) -> dict[str, Any]:
    """The same for programs; times in seconds since 1970."""
    question = row.question
    return {
        "question": row.number,
        "device": question.device,
        "station": question.station,
        "experiment": row.experiment,
        "parameters": dict(row.parameters),
        "text": question.text,
        "needed": question.form.model_dump(),
        "within": question.within or None,
        "state": row.closed.state,
        "answer": row.closed.answer,
        "reason": row.closed.reason,
        "asked": row.asked.wall,
        "closed": None if row.ended is None else row.ended.wall,
    }


def print_questions(rows: Sequence[QuestionRow], campaign: str) -> None:
    """What `motet show` says of questions: those that are open, and how many are not."""
    waiting = [row for row in rows if row.closed.state is QuestionState.OPEN]
    for row in waiting:
        print(f"asks     {line(row)}; answer: `motet answer {campaign} VALUE --question {row.number}`")
    closed = len(rows) - len(waiting)
    if closed:
        print(f"asked    {closed} question{'s' if closed != 1 else ''}; `motet questions {campaign} --all` lists them")
