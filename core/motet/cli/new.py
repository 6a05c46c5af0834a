"""`motet new`: the beginning of something that is added to Motet."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from motet.cli.exits import handled
from motet.cli.headed import Headed

app = typer.Typer(
    cls=Headed, rich_markup_mode=None, help="Write the beginning of a plugin package.", no_args_is_help=True
)


class Wire(StrEnum):
    """What an instrument is connected by."""

    SERIAL = "serial"
    MQTT = "mqtt"


@app.callback()
def _kinds() -> None:
    """Keeps `driver` a word of its own."""


@app.command("driver")
@handled
def driver(
    name: Annotated[str, typer.Argument(help="What lab files will call it: small letters, digits, underscores.")],
    directory: Annotated[
        Path | None, typer.Option(help="The folder to make.", metavar="FOLDER", show_default="motet-NAME")
    ] = None,
    transport: Annotated[Wire, typer.Option(help="What the instrument is connected by.")] = Wire.SERIAL,
) -> None:
    """Write an installable package for a new instrument: driver, simulator, tests, page. Its tests pass as written."""
    from motet.api.new_driver import write_driver

    folder = write_driver(name, directory, transport.value)
    print(
        f"{folder} is written: a driver and a simulator of an example, a thermostat bath, with tests and a page.\n"
        "\n"
        "Next:\n"
        f"  pip install -e '{folder}[dev]'\n"
        f"  pytest {folder}\n"
        "  motet plugins --kind driver\n"
        "\n"
        f"Then change {folder}/src/motet_{name} until it is your instrument; its README says which file is what."
    )
