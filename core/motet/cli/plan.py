"""`motet plan`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motet.cli.exits import handled
from motet.cli.options import Data, Json

if TYPE_CHECKING:
    from motet.api.plan import Need, Plan, Range


@handled
def plan(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.", metavar="CAMPAIGN.yaml")],
    seeds: Annotated[int, typer.Option(help="Campaigns to simulate, each with a seed of its own.", min=1)] = 5,
    stations: Annotated[
        int | None, typer.Option(help="So many stations: the first ones, or copies of them.", min=1)
    ] = None,
    processes: Annotated[int | None, typer.Option(help="Processes on this machine; one a core.", min=1)] = None,
    data: Data = Path("motet-data"),
    as_json: Json = False,
) -> None:
    """State beforehand what a campaign will take: lab time, samples, consumables and cost, from simulated campaigns."""
    from motet.api.plan import plan as make
    from motet.api.processes import Processes
    from motet.cli.logs import unlogged
    from motet.cli.progress import counting

    changes = {} if stations is None else {"stations": str(stations)}
    with unlogged(), counting("campaigns", as_json) as see:
        made = make(
            campaign,
            Processes(processes),
            seeds=seeds,
            changes=changes,
            data=data,
            see=lambda done: see(done, seeds, 0),
        )
    if as_json:
        print(json.dumps(_facts(made)))
        return
    for line in _lines(made):
        print(line)


def _lines(made: "Plan") -> list[str]:
    from motet.cli.text import clock

    stations = len(made.file.stations)
    of = f"{made.campaigns} simulated campaign{'s' if made.campaigns != 1 else ''}"
    most = f"; at most {made.most}" if made.most is not None else ""
    failed = f", {made.failed.high:.0f} of them failed at most" if made.failed.high else ""
    lines = [
        f"from     {of} with {stations} station{'s' if stations != 1 else ''}; median (lowest to highest)",
        *(f"ends     {reason} ({count} of {made.campaigns})" for reason, count in made.reasons.items()),
        f"samples  {_range(made.experiments, '.0f')} experiments{failed}{most}",
        f"duration {clock(made.wall_s.median)} ({clock(made.wall_s.low)} to {clock(made.wall_s.high)})",
        f"each     {_range(made.experiment_s, '.1f')} s, stations {100 * made.utilization.median:.0f} % busy",
    ]
    lines += [f"uses     {name} {_need(need, made)}" for name, need in made.needs.items()]
    if made.cost is not None:
        lines.append(f"cost     {_range(made.cost, '.2f')} {made.file.lab.currency or ''}".rstrip())
    return lines


def _need(need: "Need", made: "Plan") -> str:
    unit = need.supply.unit or "pieces"
    text = f"{_range(need.amount, '.4g')} {unit}"
    there = need.there
    if there.stock is None:
        return text
    stock = f"{there.stock:.4g} {unit} in stock" if need.left is None else f"{there.stock:.4g} {unit} left now"
    if need.short:
        lasts = f"enough for {there.lasts} experiments only"
        return f"{text}; {stock}, {lasts}: short in {need.short} of {made.campaigns}"
    return f"{text}; {stock}, enough"


def _range(numbers: "Range", form: str) -> str:
    if numbers.low == numbers.high:
        return format(numbers.median, form)
    return f"{numbers.median:{form}} ({numbers.low:{form}} to {numbers.high:{form}})"


def _facts(made: "Plan") -> dict[str, Any]:
    facts = asdict(made)
    del facts["file"]
    return {"campaign": made.file.campaign.campaign, "stations": list(made.file.stations), **facts}
