"""`motet estop` and `motet clear`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.exits import Exit, handled
from motet.cli.options import Data

if TYPE_CHECKING:
    from motet.api.estop import Told

LabOption = Annotated[Path, typer.Option("--lab", help="The lab file.", metavar="LAB.yaml")]


@handled
def estop(
    reason: Annotated[str, typer.Argument(help="Why; whoever clears it reads this.", metavar="[REASON]")] = "",
    lab: LabOption = Path("lab.yaml"),
    data: Data = Path("motet-data"),
) -> None:
    """Emergency stop: every device of the lab stops at once, and nothing moves until `motet clear`."""
    import asyncio

    from motet.api import estop as api

    _quiet()
    told = asyncio.run(api.estop(lab, data, reason))
    if not told.reached:
        print("error: NOT STOPPED, nobody could be told: use the switch at the lab", file=sys.stderr)
    else:
        print(told.latched)
        print(f"nothing moves until it is cleared: motet clear --lab {lab}")
    _conclude(told)


@handled
def clear(
    lab: LabOption = Path("lab.yaml"),
    data: Data = Path("motet-data"),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Clear the emergency stop of a lab; devices are connected anew, campaigns stay paused."""
    import asyncio

    from motet.api import estop as api

    _quiet()
    pressed = asyncio.run(api.pressed(lab, data))
    for one in pressed:
        print(one)
    if pressed and not yes:
        if not sys.stdin.isatty():
            print("error: nobody is there to confirm it; programs say --yes", file=sys.stderr)
            raise typer.Exit(Exit.MISTAKE)
        typer.confirm("Is everything in order, and may the lab move again?", abort=True)
    told = asyncio.run(api.clear(lab, data, seen={one.id for one in pressed}))
    if told.latched is not None:
        print(f"error: it was pressed again meanwhile, and stays: {told.latched}", file=sys.stderr)
        raise typer.Exit(Exit.FAILED)
    if told.reached:
        print("cleared; campaigns that it has paused go on with `motet resume`")
    else:
        print("error: not cleared, nobody could be told", file=sys.stderr)
    _conclude(told)


def _quiet() -> None:
    """What the log would say is printed here."""
    import logging

    logging.getLogger("motet").addHandler(logging.NullHandler())


def _conclude(told: "Told") -> None:
    print(f"told     {', '.join(told.reached) or 'nobody'}")
    for line in told.gone:
        print(f"gone     {line}")
    for line in told.missed:
        print(f"error: not told: {line}", file=sys.stderr)
    if told.missed:
        raise typer.Exit(Exit.FAILED)
