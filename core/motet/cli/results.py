"""`motet list`, `show`, `report` and `export`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motet.cli.exits import handled
from motet.cli.options import Data, Json

if TYPE_CHECKING:
    from motet.store import CampaignSummary

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

    from motet.cli.text import classes, clock, console, moment, number

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
        best = f"front of {len(one.front)}" if one.front else classes(one.counts) or best
        counts = (str(one.experiments), str(one.failed), best, clock(one.wall_s), f"{one.speed_up:.2f}")
        table.add_row(one.id, one.state, moment(one.started), *counts)
    console().print(table)


@handled
def show(
    campaign: Name,
    experiment: Annotated[
        int | None, typer.Argument(help="The number of an experiment, to show all that is known of it.", min=1)
    ] = None,
    data: Data = Path("motet-data"),
    samples: Annotated[
        bool, typer.Option("--samples", help="Show the samples: where each is, and where it has been.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show a campaign: how it ended, its best experiments or its Pareto front, and its failures."""
    from motet.api.queue import look
    from motet.api.results import store_path
    from motet.cli import waiting
    from motet.cli.questions import as_dict, print_questions
    from motet.cli.shown import experiment_lines, print_campaign, print_samples
    from motet.errors import NotFound
    from motet.store import Reader

    reader = Reader(store_path(data))
    detail = reader.campaign(campaign)
    rows = reader.experiments(detail.summary.id)
    asked = reader.questions(detail.summary.id)
    view, events = look(data, detail.summary.id), reader.events(detail.summary.id)
    if samples:
        print_samples([row for row in rows if experiment in (None, row.number)], as_json)
    elif experiment is not None:
        row = next((row for row in rows if row.number == experiment), None)
        if row is None:
            raise NotFound(f"{detail.summary.id}: no experiment {experiment}; it has {len(rows)}")
        if as_json:
            print(json.dumps(asdict(row)))
        else:
            print("\n".join(experiment_lines(row, detail)))
    elif as_json:
        facts = _summary_facts(detail.summary) | {
            "experiments": [asdict(row) for row in rows],
            "questions": list(map(as_dict, asked)),
            "queue_mode": view.mode,
            "queue": list(map(waiting.as_dict, view.rows)),
            "events": list(map(waiting.event_dict, waiting.news(events))),
        }
        print(json.dumps(facts))
    else:
        print_campaign(detail, rows)
        waiting.print_queue(view.rows, view.mode.words, detail)
        print_questions(asked, detail.summary.id)
        waiting.print_events(events, detail.summary.id)


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


def _summary_facts(one: "CampaignSummary") -> dict[str, Any]:
    return asdict(one) | {"speed_up": one.speed_up}
