"""`motet store check` and `motet store backup`."""

from pathlib import Path
from typing import Annotated

import typer

from motet.cli.exits import Exit, handled
from motet.cli.headed import Headed
from motet.cli.options import Data, Json

app = typer.Typer(
    cls=Headed,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Look after the store: check it, copy it. Campaigns may run meanwhile.",
)


@app.command()
@handled
def check(
    file: Annotated[
        Path | None,
        typer.Argument(help="A store or a backup, instead of the store of the data folder.", metavar="FILE"),
    ] = None,
    data: Data = Path("motet-data"),
    as_json: Json = False,
) -> None:
    """Check that a store is sound and tells of campaigns that can have happened; exit code 4 when it does not."""
    import json
    from dataclasses import asdict

    from motet.api.store import check, store_file
    from motet.cli.progress import counting

    path = store_file(data, file)
    with counting("checks", as_json) as see:
        findings = check(path, lambda done, total: see(done, total, 0))
    if as_json:
        typer.echo(json.dumps({"ok": not findings, "findings": [asdict(finding) for finding in findings]}))
    else:
        typer.echo("\n".join(map(str, findings)) or f"{path}: sound")
    if findings:
        raise typer.Exit(Exit.FAILED)


@app.command()
@handled
def backup(
    target: Annotated[
        Path | None,
        typer.Argument(
            help="The file to write; by default backups/motet-YYYYMMDD-HHMMSS.db in the data folder.",
            metavar="TARGET",
        ),
    ] = None,
    data: Data = Path("motet-data"),
) -> None:
    """Copy the store to a file of its own, as it is at this moment, and print the file's path."""
    from motet.api.store import back_up_store
    from motet.cli.progress import counting

    with counting("pages copied", silent=False) as see:
        made = back_up_store(data, target, lambda done, total: see(done, total, 0))
    typer.echo(str(made))
