"""`motet dashboard`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from motet.cli.exits import handled
from motet.cli.options import Data, Json


@handled
def dashboard(
    lab: Annotated[Path, typer.Argument(help="The lab file.", metavar="LAB.yaml")] = Path("lab.yaml"),
    port: Annotated[int, typer.Option(help="Where to listen; 0 for a free one.", min=0, max=65535)] = 8420,
    host: Annotated[
        str, typer.Option(help="On which address; others than this computer's own loopback need a token.")
    ] = "127.0.0.1",
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="The file whose first line whoever looks has to know; or the variable MOTET_DASHBOARD_TOKEN.",
            metavar="FILE",
        ),
    ] = None,
    data: Data = Path("motet-data"),
    as_json: Json = False,
) -> None:
    """Show a lab in a browser until Ctrl-C: its stations, its emergency stop, and a button that presses it."""
    from motet.cli.logs import logged
    from motet.web.access import access_for
    from motet.web.serve import Options, serve

    def ready(name: str, url: str) -> None:
        facts = {"lab": name, "url": url}
        print(json.dumps(facts) if as_json else f"the dashboard of {name} is at {url}; Ctrl-C ends it", flush=True)

    options = Options(lab, data, access_for(host, token_file), port)
    with logged(data, "dashboard.log"):
        serve(options, ready)
