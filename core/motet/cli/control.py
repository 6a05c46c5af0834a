"""`motet pause`, `resume`, `stop`, `abort` and `answer`: for a campaign that another process runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.exits import handled
from motet.cli.options import Data, Json

if TYPE_CHECKING:
    from motet.model.questions import AnswerForm

Name = Annotated[str, typer.Argument(help="The campaign's id, or its name for the newest one.", metavar="CAMPAIGN")]


@handled
def pause(campaign: Name, data: Data = Path("motet-data")) -> None:
    """Pause a running campaign: no further step begins."""
    _send(data, campaign, "pause")


@handled
def resume(campaign: Name, data: Data = Path("motet-data")) -> None:
    """Go on with a paused campaign."""
    _send(data, campaign, "resume")


@handled
def stop(campaign: Name, data: Data = Path("motet-data")) -> None:
    """Stop a running campaign after its current experiments."""
    _send(data, campaign, "stop")


@handled
def abort(campaign: Name, data: Data = Path("motet-data")) -> None:
    """Abort a running campaign: stop what moves, run the cleanup steps, leave the devices safe."""
    _send(data, campaign, "abort")


@handled
def answer(
    campaign: Name,
    value: Annotated[
        str | None,
        typer.Argument(help="A number, one with its unit, text, yes or no; nothing for what is done.", metavar="VALUE"),
    ] = None,
    question: Annotated[int | None, typer.Option(help="The number of the question, when several are open.")] = None,
    data: Data = Path("motet-data"),
) -> None:
    """Answer a question that a running campaign asks."""
    import asyncio

    from motet.api.control import answer
    from motet.cli.text import became
    from motet.model.questions import Closed, QuestionState

    number, given = asyncio.run(answer(data, campaign, value, question))
    form = _form(data, campaign, number)
    typer.echo(f"question {number} {became(Closed(QuestionState.ANSWERED, given), form)}")


@handled
def questions(
    campaign: Name,
    every: Annotated[bool, typer.Option("--all", help="Those that are closed, too.")] = False,
    data: Data = Path("motet-data"),
    as_json: Json = False,
) -> None:
    """List what a campaign asks of people."""
    import json

    from motet.api.results import store_path
    from motet.cli.questions import as_dict, line
    from motet.model.questions import QuestionState
    from motet.store import Reader

    rows = Reader(store_path(data)).questions(campaign)
    shown = [row for row in rows if every or row.closed.state is QuestionState.OPEN]
    if as_json:
        typer.echo(json.dumps([as_dict(row) for row in shown]))
    else:
        typer.echo("\n".join(map(line, shown)) or "no question is open")


def _form(data: Path, campaign: str, number: int) -> "AnswerForm":
    from motet.api.results import store_path
    from motet.store import Reader

    rows = Reader(store_path(data)).questions(campaign)
    return next(row.question.form for row in rows if row.number == number)


def _send(data: Path, campaign: str, name: str) -> None:
    import asyncio

    from motet.api.control import command

    typer.echo(asyncio.run(command(data, campaign, name)))
