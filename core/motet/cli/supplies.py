"""`motet supplies`: what there is of a lab's consumables."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from motet.cli.estop import LabOption
from motet.cli.exits import handled
from motet.cli.headed import Headed
from motet.cli.options import Data, Json

app = typer.Typer(
    cls=Headed,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="What there is of a lab's consumables, whichever campaigns use them, running or not.",
)

if TYPE_CHECKING:
    from motet.api.supplies import OnHand

Consumable = Annotated[str, typer.Argument(help="The consumable's name in the lab file.", metavar="NAME")]
Who = Annotated[str, typer.Option(help="Who did it.", envvar="MOTET_WHO")]
Simulated = Annotated[
    bool | None,
    typer.Option("--simulated/--real", help="Those of the simulators or the instruments, as `motet run` was told."),
]


@app.command()
@handled
def show(
    lab: LabOption = Path("lab.yaml"),
    simulated: Simulated = None,
    data: Data = Path("motet-data"),
    as_json: Json = False,
) -> None:
    """Show what is left of each, and who or which campaign changed that last."""
    from motet.api.supplies import look

    rows = look(lab, data, _hardware(simulated))
    if as_json:
        typer.echo(json.dumps([_as_dict(row) for row in rows]))
    elif rows:
        _print(rows)
    else:
        typer.echo(f"{lab}: the lab has no consumables")


@app.command()
@handled
def refill(
    name: Consumable,
    amount: Annotated[
        str,
        typer.Argument(
            help="What was added, such as 250 or '0.25 L'; all that fits when left out.", metavar="[AMOUNT]"
        ),
    ] = "full",
    lab: LabOption = Path("lab.yaml"),
    who: Who = "",
    simulated: Simulated = None,
    data: Data = Path("motet-data"),
) -> None:
    """Say that a consumable was filled up; campaigns that wait for it go on."""
    import asyncio

    from motet.api.supplies import refill

    left = asyncio.run(refill(lab, data, name, amount, who=who, hardware=_hardware(simulated)))
    typer.echo(f"{name}: {left} now")


@app.command("set")
@handled
def set_level(
    name: Consumable,
    amount: Annotated[str, typer.Argument(help="What there is, such as 250 or '0.25 L'.", metavar="AMOUNT")],
    lab: LabOption = Path("lab.yaml"),
    who: Who = "",
    simulated: Simulated = None,
    data: Data = Path("motet-data"),
) -> None:
    """Say how much there is of a consumable, whatever was counted."""
    import asyncio

    from motet.api.supplies import set_level

    left = asyncio.run(set_level(lab, data, name, amount, who=who, hardware=_hardware(simulated)))
    typer.echo(f"{name}: {left} now")


def _hardware(simulated: bool | None) -> Literal["real", "simulated"] | None:
    return None if simulated is None else "simulated" if simulated else "real"


def _as_dict(row: "OnHand") -> dict[str, Any]:
    supply, level = row.supply, row.level
    stated = {"unit": supply.unit, "stock": supply.stock, "refill_at": supply.refill_at}
    changed = {"changed": None, "by": None} if level is None else {"changed": level.wall, "by": level.by}
    return {"name": row.name, "left": row.left, "low": row.is_low, **stated, **changed}


def _print(rows: Sequence["OnHand"]) -> None:
    from rich.table import Table

    from motet.cli.text import console, moment

    table = Table("consumable", "left", "full", "refill at", "changed", "by")
    for row in rows:
        supply, level = row.supply, row.level
        changed = ("", "") if level is None else (moment(level.wall), level.by or "the lab file")
        amounts = (_amount(one, supply.unit) for one in (supply.stock, supply.refill_at))
        table.add_row(row.name, _left(row), *amounts, *changed)
    console().print(table)


def _left(row: "OnHand") -> str:
    if row.supply.stock is None:
        return "not counted"
    if row.left is None and row.level is not None:
        return f"{_amount(row.level.amount, row.level.unit or 'pieces')}, in another unit than the lab file's"
    return f"{_amount(row.left, row.supply.unit)}{', low' * row.is_low}"


def _amount(amount: float | None, unit: str) -> str:
    return "" if amount is None else f"{amount:g} {unit}".rstrip()
