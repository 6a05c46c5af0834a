"""`motet run`."""

import json
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motet.cli.exits import Exit, handled
from motet.cli.options import Data, Json

if TYPE_CHECKING:
    from motet.api.run import Run
    from motet.cli.display import Display
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
    from motet.cli.logs import logged
    from motet.errors import FileProblems, Problem

    if lines not in (None, "pty", "memory"):
        raise FileProblems([Problem("--lines", None, "", repr(lines), "allowed: pty, memory")])
    hardware = None if simulated is None else "simulated" if simulated else "real"
    options = Options(data, hardware, lines, time_scale, seed, capture)
    display: Display | None = None

    def see(event: Any) -> None:
        if display is not None:
            display.see(event)

    file = load(campaign, options)
    with logged(data):
        display = _display(file, as_json)
        running = Run(file, options, [see])
        try:
            with display.shown(), _signals(running):
                summary = running.wait()
        finally:
            running.close()
    places = _write_results(summary, data)
    _conclude(summary, running.file, places, as_json)
    raise typer.Exit(_code(summary))


def _display(file: "CampaignFile", as_json: bool) -> "Display":
    from motet.cli.board import Board
    from motet.cli.display import Lines, Nothing

    if as_json:
        return Nothing()
    board = Board(file.campaign.objectives)
    if not sys.stdout.isatty():
        return Lines(board)
    from rich.console import Console

    from motet.cli.live import LiveTable

    return LiveTable(board, Console())


@contextmanager
def _signals(running: "Run") -> Generator[None]:
    """Ctrl-C once stops after the current experiments, twice aborts; a termination signal aborts."""
    wishes = iter(("stop", "abort"))

    def on_interrupt(number: int, frame: object) -> None:
        wish = next(wishes, "abort")
        running.command(wish, "Ctrl-C" if wish == "stop" else "Ctrl-C twice")

    def on_terminate(number: int, frame: object) -> None:
        running.command("abort", "termination signal")

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, on_interrupt),
        signal.SIGTERM: signal.signal(signal.SIGTERM, on_terminate),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_results(summary: "Summary", data: Path) -> dict[str, str]:
    """The report and the data as files; where everything is."""
    from motet.api.results import store_path, write_export, write_report

    table = data / summary.campaign / "experiments.csv"
    page = write_report(data, summary.campaign)
    write_export(data, summary.campaign, "csv", table)
    return {"store": str(store_path(data)), "report": str(page), "data": str(table)}


def _conclude(summary: "Summary", file: "CampaignFile", places: dict[str, str], as_json: bool) -> None:
    from motet.cli.text import number, point
    from motet.model.space import units_of

    if as_json:
        print(json.dumps(_as_dict(summary) | places))
        return
    print(f"{summary.experiments} experiments, {summary.failed} failed; {summary.state}: {summary.reason}")
    units = units_of(file.space)
    if summary.best is not None:
        values = ", ".join(
            f"{name} {number(summary.best.values[name])}{f' {objective.unit}' if objective.unit else ''}"
            for name, objective in file.campaign.objectives.items()
        )
        print(f"best     {values} at {point(summary.best.parameters, units)} (experiment {summary.best.experiment})")
    print(f"time     {summary.wall_s:.1f} s wall, {summary.busy_s:.1f} s of experiments, ratio {summary.speed_up:.2f}")
    for name, place in places.items():
        print(f"{name:8} {place}")
    stations = f"{summary.stations} station{'s' if summary.stations != 1 else ''}"
    print(f"speed-up {summary.speed_up:.2f} ({stations}, {summary.experiments} experiments, {summary.wall_s:.1f} s)")


def _as_dict(summary: "Summary") -> dict[str, Any]:
    best = summary.best
    return {
        "campaign": summary.campaign,
        "state": summary.state,
        "reason": summary.reason,
        "stations": summary.stations,
        "experiments": summary.experiments,
        "failed": summary.failed,
        "best": None
        if best is None
        else {
            "experiment": best.experiment,
            "parameters": dict(best.parameters),
            "values": dict(best.values),
        },
        "wall_s": summary.wall_s,
        "busy_s": summary.busy_s,
        "speed_up": summary.speed_up,
    }


def _code(summary: "Summary") -> Exit:
    from motet.model.events import CampaignState

    match summary.state:
        case CampaignState.FAILED:
            return Exit.FAILED
        case CampaignState.ABORTED:
            return Exit.ABORTED
        case _:
            return Exit.OK
