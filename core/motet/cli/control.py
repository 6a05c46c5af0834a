"""`motet pause`, `resume`, `stop` and `abort`: for a campaign that another process runs."""

from pathlib import Path
from typing import Annotated

import typer

from motet.cli.exits import handled
from motet.cli.options import Data

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


def _send(data: Path, campaign: str, name: str) -> None:
    import asyncio

    from motet.api.control import command

    typer.echo(asyncio.run(command(data, campaign, name)))
