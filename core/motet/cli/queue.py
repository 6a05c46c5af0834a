"""`motet queue` and `motet tell`: what people want measured, and what they have measured themselves."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from motet.cli.exits import handled
from motet.cli.headed import Headed
from motet.cli.options import Data, Json

app = typer.Typer(
    cls=Headed,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Experiments that people add to a campaign, running or stopped: before, between or instead of the learner's.",
)

Name = Annotated[str, typer.Argument(help="The campaign's id, or its name for the newest one.", metavar="CAMPAIGN")]
Point = Annotated[
    list[str] | None,
    typer.Argument(help="Parameters, such as x=3.5 or x='35 mm'; fixed ones may be left out.", metavar="NAME=VALUE..."),
]
Number = Annotated[int, typer.Argument(help="The number of the experiment in the queue.", metavar="NUMBER")]
Table = Annotated[Path | None, typer.Option("--from", help="A CSV file with a line of names, then a line a point.")]
Why = Annotated[str, typer.Option(help="The reason, kept with the experiment.")]
Who = Annotated[str, typer.Option(help="Who asks for it or measured it.", envvar="MOTET_WHO")]
_PARAMETER = "a parameter"


@app.command("list")
@handled
def list_queue(
    campaign: Name,
    every: Annotated[bool, typer.Option("--all", help="Those that have begun or were cancelled, too.")] = False,
    data: Data = Path("motet-data"),
    as_json: Json = False,
) -> None:
    """List what waits in a campaign's queue, the next one first."""
    from motet.api.queue import look
    from motet.cli.text import console
    from motet.cli.waiting import as_dict, table
    from motet.model.queue import QueueState

    view = look(data, campaign)
    rows = [row for row in view.rows if every or row.state is QueueState.QUEUED]
    if as_json:
        typer.echo(json.dumps({"mode": view.mode, "queue": list(map(as_dict, rows))}))
        return
    typer.echo(f"{view.campaign.summary.id}: queued experiments are run {view.mode.words}")
    if rows:
        console().print(table(rows, view.campaign))
    else:
        typer.echo("nothing waits")


@app.command()
@handled
def add(
    campaign: Name,
    point: Point = None,
    table: Table = None,
    priority: Annotated[int, typer.Option(help="The higher, the sooner, from -1000 to 1000.")] = 0,
    front: Annotated[bool, typer.Option("--front", help="Before all others.")] = False,
    why: Why = "",
    who: Who = "",
    data: Data = Path("motet-data"),
    as_json: Json = False,
) -> None:
    """Queue an experiment, or several from a CSV file, all or none."""
    import asyncio

    from motet.api.queue import add, read_csv

    points = _one_or_table([_pairs(point, _PARAMETER)] if point else None, None if table is None else read_csv(table))
    options: dict[str, Any] = {"priority": priority, "front": front, "why": why, "who": who}
    numbers = asyncio.run(add(data, campaign, points, **options))
    _say(as_json, {"numbers": numbers}, f"queued as {_listed(numbers)}")


@app.command()
@handled
def edit(campaign: Name, number: Number, point: Point = None, data: Data = Path("motet-data")) -> None:
    """Change parameters of an experiment that waits; the others stay."""
    import asyncio

    from motet.api.queue import edit

    asyncio.run(edit(data, campaign, number, _pairs(point or (), _PARAMETER)))
    typer.echo(f"{number} is changed")


@app.command()
@handled
def move(
    campaign: Name,
    number: Number,
    place: Annotated[
        int, typer.Argument(help="Its new place among those that wait; 1 is next.", metavar="PLACE", min=1)
    ],
    data: Data = Path("motet-data"),
) -> None:
    """Give an experiment that waits another place in the line."""
    import asyncio

    from motet.api.queue import move

    asyncio.run(move(data, campaign, number, place))
    typer.echo(f"{number} is moved")


@app.command()
@handled
def cancel(
    campaign: Name,
    numbers: Annotated[list[int], typer.Argument(help="The numbers of experiments in the queue.", metavar="NUMBER...")],
    data: Data = Path("motet-data"),
) -> None:
    """Take experiments that have not begun out of the queue, all or none."""
    import asyncio

    from motet.api.queue import cancel

    asyncio.run(cancel(data, campaign, numbers))
    typer.echo(f"{_listed(numbers)} cancelled")


@app.command()
@handled
def mode(
    campaign: Name,
    when: Annotated[str, typer.Argument(help="before, between or instead of the learner's.", metavar="MODE")],
    data: Data = Path("motet-data"),
) -> None:
    """Say when queued experiments are run: all first, in turns with the learner's, or only they."""
    import asyncio

    from motet.api.queue import set_mode
    from motet.errors import AnswerProblem
    from motet.model.queue import QueueMode

    if when not in list(QueueMode):
        raise AnswerProblem(f"the mode {when!r}; allowed: {', '.join(QueueMode)}")
    wanted = QueueMode(when)
    asyncio.run(set_mode(data, campaign, wanted))
    typer.echo(f"queued experiments are run {wanted.words}")


@handled
def tell(
    campaign: Name,
    point: Point = None,
    value: Annotated[
        list[str] | None,
        typer.Option(
            help="What was measured, such as current=8.1 or current='8.1 mA'; once for each.", metavar="NAME=VALUE"
        ),
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--from", help="A CSV file with a column for each parameter and each value.")
    ] = None,
    why: Why = "",
    who: Who = "",
    data: Data = Path("motet-data"),
    as_json: Json = False,
) -> None:
    """Tell a campaign's learner what was measured by hand, or several results from a CSV file, all or none."""
    import asyncio

    from motet.api.queue import look, read_csv, tell

    one = [(_pairs(point or (), _PARAMETER), _pairs(value or (), "a value"))] if point or value else None
    several = None
    if table is not None:
        measured = look(data, campaign).campaign.wanted
        names = {*measured.objectives, *measured.constraints}
        several = [_split(row, names) for row in read_csv(table)]
    numbers = asyncio.run(tell(data, campaign, _one_or_table(one, several), why=why, who=who))
    _say(as_json, {"experiments": numbers}, f"told as experiment{'s' * (len(numbers) > 1)} {_listed(numbers)}")


def _pairs(written: Sequence[str], what: str) -> dict[str, Any]:
    """`x=3.5` as name and value. Raises AnswerProblem."""
    from motet.errors import AnswerProblem

    found: dict[str, Any] = {}
    for one in written:
        name, equals, value = one.partition("=")
        name = name.strip()
        if not (name and equals and value.strip()):
            raise AnswerProblem(f"{one!r} is not {what}; NAME=VALUE is needed")
        if name in found:
            raise AnswerProblem(f"{name} is there twice")
        found[name] = value
    return found


def _split(row: Any, names: set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A row as its point and its values."""
    return {k: v for k, v in row.items() if k not in names}, {k: v for k, v in row.items() if k in names}


def _one_or_table(one: list[Any] | None, several: list[Any] | None) -> list[Any]:
    from motet.errors import AnswerProblem

    if one is None and several is None:
        raise AnswerProblem("a point, NAME=VALUE for each parameter, or --from FILE is needed")
    if one is not None and several is not None:
        raise AnswerProblem("NAME=VALUE and --from FILE do not go together")
    return (one or several) or []


def _listed(numbers: Sequence[int]) -> str:
    """`3`, `3, 5`, `3 to 7`."""
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))


def _say(as_json: bool, facts: Any, text: str) -> None:
    typer.echo(json.dumps(facts) if as_json else text)
