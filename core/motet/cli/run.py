"""`motet run`."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.exits import handled
from motet.cli.options import Data, Json

if TYPE_CHECKING:
    from motet.files.campaign import CampaignFile
    from motet.orchestration import Summary


@handled
def run(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.", metavar="CAMPAIGN.yaml")],
    data: Data = Path("motet-data"),
    simulated: Annotated[
        bool | None,
        typer.Option("--simulated/--real", help="On simulators or on the instruments, whatever the lab file says."),
    ] = None,
    lines: Annotated[str | None, typer.Option(help="Simulated lines: pty or memory.")] = None,
    time_scale: Annotated[
        float | None, typer.Option(help="Lab seconds that pass in a second on simulators.", min=1e-3)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the learner, instead of the file's.", min=0)] = None,
    capture: Annotated[bool, typer.Option(help="Keep all traffic of the lines in a file.")] = False,
    as_json: Json = False,
) -> None:
    """Run a campaign and write its report. Ctrl-C stops after the current experiments, twice aborts them."""
    from motet.api.run import Options, Run, load
    from motet.cli.campaign import display_of, exit_code, signals, write_results
    from motet.cli.logs import logged
    from motet.errors import FileProblems, Problem

    if lines not in (None, "pty", "memory"):
        raise FileProblems([Problem("--lines", None, "", repr(lines), "allowed: pty, memory")])
    hardware = None if simulated is None else "simulated" if simulated else "real"
    options = Options(data, hardware, lines, time_scale, seed, capture)
    file = load(campaign, options)
    with logged(data):
        display = display_of(file, as_json, time.monotonic)
        running = Run(file, options, [display.see])
        try:
            with display.shown(), signals(running):
                summary = running.wait()
        finally:
            running.close()
    places = write_results(summary, data)
    _conclude(summary, running.file, places, as_json)
    raise typer.Exit(exit_code(summary))


def _conclude(summary: "Summary", file: "CampaignFile", places: dict[str, str], as_json: bool) -> None:
    from motet.cli.campaign import as_dict, print_outcome, print_places

    if as_json:
        print(json.dumps(as_dict(summary) | places))
        return
    print_outcome(summary, file)
    print(f"time     {summary.wall_s:.1f} s wall, {summary.busy_s:.1f} s of experiments, ratio {summary.speed_up:.2f}")
    print_places(places)
    stations = f"{summary.stations} station{'s' if summary.stations != 1 else ''}"
    print(f"speed-up {summary.speed_up:.2f} ({stations}, {summary.experiments} experiments, {summary.wall_s:.1f} s)")
