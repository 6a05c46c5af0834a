"""`motet list`, `show`, `report` and `export`."""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motet.cli.exits import handled
from motet.cli.options import Data, Json

if TYPE_CHECKING:
    from motet.store import CampaignDetail, CampaignSummary, ExperimentRow

SHOWN = 10
"""How many of the best experiments and of the failures `show` lists."""

Name = Annotated[str, typer.Argument(help="The campaign's id, or its name for the newest one.", metavar="CAMPAIGN")]


@handled
def list_campaigns(data: Data = Path("motet-data"), as_json: Json = False) -> None:
    """List the campaigns of a store, the newest first."""
    from motet.api.results import store_path
    from motet.store import Reader

    campaigns = Reader(store_path(data)).campaigns()
    if as_json:
        print(json.dumps([_summary_facts(campaign) for campaign in campaigns]))
        return
    from rich.table import Column, Table

    from motet.cli.text import clock, console, number

    table = Table(
        Column("campaign", no_wrap=True, overflow="fold"),
        "state",
        "started",
        "experiments",
        "failed",
        "best",
        "wall time",
        "speed-up",
    )
    for one in campaigns:
        best = f"{one.best.objective} {number(one.best.value)}" if one.best is not None else ""
        counts = (str(one.experiments), str(one.failed), best, clock(one.wall_s), f"{one.speed_up:.2f}")
        table.add_row(one.id, one.state, _when(one.started), *counts)
    console().print(table)


@handled
def show(campaign: Name, data: Data = Path("motet-data"), as_json: Json = False) -> None:
    """Show a campaign: how it ended, its best experiments and its failures."""
    from motet.api.results import store_path
    from motet.model.experiment import State
    from motet.store import Reader

    reader = Reader(store_path(data))
    detail = reader.campaign(campaign)
    rows = reader.experiments(detail.summary.id)
    name, objective = next(iter(detail.objectives.items()))
    done = [row for row in rows if row.state is State.DONE]
    best = sorted(done, key=lambda row: -objective.merit(row.values[name]))[:SHOWN]
    failed = [row for row in rows if row.state is State.FAILED]
    if as_json:
        facts = _summary_facts(detail.summary)
        print(json.dumps(facts | {"experiments": [asdict(row) for row in rows]}))
        return
    _print_head(detail)
    _print_best(best, detail)
    for row in failed[:SHOWN]:
        print(f"failed   {row.number} at {row.station}: {row.reason}")
    if len(failed) > SHOWN:
        print(f"         and {len(failed) - SHOWN} more failed; `motet report {detail.summary.id}` lists all")


@handled
def report(
    campaign: Name,
    data: Data = Path("motet-data"),
    out: Annotated[Path | None, typer.Option(help="The page to write, instead of the one in the data folder.")] = None,
) -> None:
    """Write a campaign's report: one HTML page that needs no network."""
    from motet.api.results import write_report

    print(write_report(data, campaign, out))


@handled
def export(
    campaign: Name,
    data: Data = Path("motet-data"),
    form: Annotated[str, typer.Option("--format", help="An exporter: csv, jsonl or a plugin's.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="The file to write, instead of standard output.")] = None,
) -> None:
    """Export a campaign's experiments."""
    from motet.api.results import write_export

    write_export(data, campaign, form, out or sys.stdout)


def _print_head(detail: "CampaignDetail") -> None:
    from motet.cli.text import clock

    one = detail.summary
    print(f"{one.id}: {one.state}{f': {one.reason}' if one.reason else ''}")
    print(f"lab      {one.lab}, stations {', '.join(detail.stations)}, seed {detail.seed}")
    print(f"started  {_when(one.started)}, {clock(one.wall_s)} wall, speed-up {one.speed_up:.2f}")
    print(f"did      {one.experiments} experiments, {one.failed} failed")


def _print_best(best: "list[ExperimentRow]", detail: "CampaignDetail") -> None:
    from rich.table import Table

    from motet.cli.text import console, number

    if not best:
        return
    units = {name: f" / {unit}" if (unit := fields.get("unit")) else "" for name, fields in detail.parameters.items()}
    table = Table("no.", *(f"{name}{units[name]}" for name in units), *detail.objectives, "predicted", "station", "why")
    for row in best:
        mean, std = row.suggestion.mean, row.suggestion.std
        predicted = "" if mean is None or std is None else f"{mean:.4g} ± {std:.2g}"
        values = [number(row.values[name]) for name in detail.objectives]
        point = [number(row.parameters[name]) for name in units]
        table.add_row(str(row.number), *point, *values, predicted, row.station or "", row.suggestion.why)
    console().print(table)


def _summary_facts(one: "CampaignSummary") -> dict[str, Any]:
    return asdict(one) | {"speed_up": one.speed_up}


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
