"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path,
    typer.Option("--data", help="Folder of the store, reports and exports.", envvar="MOTET_DATA", show_default=True),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
