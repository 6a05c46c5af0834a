"""What `motet run` and `motet simulate` share: watching a campaign, telling it to end, and what it came to."""

import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motet.cli.exits import Exit

if TYPE_CHECKING:
    from motet.api.running import Running
    from motet.api.together import Together
    from motet.cli.asking import Prompt
    from motet.cli.board import Board
    from motet.cli.display import Display
    from motet.files.campaign import CampaignFile
    from motet.model.standing import Wanted
    from motet.orchestration import Summary
    from motet.orchestration.summary import Best


def wanted_of(file: "CampaignFile") -> "Wanted":
    """What a campaign file wants of the numbers that are measured."""
    from motet.model.standing import Wanted

    return Wanted(file.campaign.objectives, file.campaign.outcome_constraints)


def display_of(file: "CampaignFile", as_json: bool, clock: Callable[[], float]) -> "Display":
    """A live table on a terminal, lines elsewhere, nothing for programs. `clock` gives the campaign's time, seconds."""
    from motet.cli.board import Board

    return display_on(Board(wanted_of(file), clock), as_json)


def display_on(board: "Board", as_json: bool, prompt: "Prompt | None" = None, how: str = "") -> "Display":
    """The display that shows a board. `prompt` is where answers are typed; `how` says how else questions are answered,
    with CAMPAIGN and NUMBER for what is not known yet."""
    from motet.cli.display import Lines, Nothing

    if as_json:
        return Nothing(how)
    if not sys.stdout.isatty():
        return Lines(board, how)
    from motet.cli.live import LiveTable
    from motet.cli.text import console

    return LiveTable(board, console(), prompt, how)


@contextmanager
def signals(running: "Running | Together") -> Generator[None]:
    """Ctrl-C once stops after the current experiments, twice aborts; a termination signal, or a terminal that is
    closed, ends the experiments as an abort does, and the campaign goes on when it is started again."""
    wishes, ends = iter(("stop", "abort")), iter(("leave",))

    def on_interrupt(number: int, frame: object) -> None:
        wish = next(wishes, "abort")
        running.command(wish, "Ctrl-C" if wish == "stop" else "Ctrl-C twice")

    def on_terminate(number: int, frame: object) -> None:
        running.command(next(ends, "abort"), "termination signal")

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, on_interrupt),
        signal.SIGTERM: signal.signal(signal.SIGTERM, on_terminate),
        signal.SIGHUP: signal.signal(signal.SIGHUP, on_terminate),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def write_results(summary: "Summary", data: Path) -> dict[str, str]:
    """The report and the data as files; where everything is."""
    from motet.api.results import store_path, write_export, write_report

    table = data / summary.campaign / "experiments.csv"
    page = write_report(data, summary.campaign)
    write_export(data, summary.campaign, "csv", table)
    return {"store": str(store_path(data)), "report": str(page), "data": str(table)}


def print_outcome(summary: "Summary", file: "CampaignFile") -> None:
    """How it ended, and the best experiment, or how many make the Pareto front."""
    from motet.cli.text import outcome, point
    from motet.model.space import units_of

    print(f"{summary.experiments} experiments, {summary.failed} failed; {summary.state}: {summary.reason}")
    wanted = wanted_of(file)
    if summary.front:
        front = len(summary.front)
        print(f"front    {front} experiment{'s' if front != 1 else ''}; `motet show {summary.campaign}` lists them")
    elif summary.best is not None:
        values = outcome(summary.best.values, wanted)
        where = point(summary.best.parameters, units_of(file.space))
        print(f"best     {values} at {where} (experiment {summary.best.experiment})")
    elif wanted.constraints and summary.experiments > summary.failed:
        print("best     no experiment meets the constraints")
    for one in summary.unsafe:
        print(f"UNSAFE   {one}")


def print_places(places: dict[str, str]) -> None:
    """Where everything is."""
    for name, place in places.items():
        print(f"{name:8} {place}")


def as_dict(summary: "Summary") -> dict[str, Any]:
    """The summary for programs."""
    return {
        "campaign": summary.campaign,
        "state": summary.state,
        "reason": summary.reason,
        "stations": summary.stations,
        "experiments": summary.experiments,
        "failed": summary.failed,
        "best": summary.best and _as_dict(summary.best),
        "front": [_as_dict(one) for one in summary.front],
        "wall_s": summary.wall_s,
        "busy_s": summary.busy_s,
        "speed_up": summary.speed_up,
        "unsafe": [{"station": one.station, "device": one.device, "reason": one.reason} for one in summary.unsafe],
    }


def _as_dict(one: "Best") -> dict[str, Any]:
    return {"experiment": one.experiment, "parameters": dict(one.parameters), "values": dict(one.values)}


def exit_code(summary: "Summary") -> Exit:
    """What `motet` exits with after such a campaign: a device that may not be safe counts for more than its state."""
    from motet.model.events import CampaignState

    if summary.unsafe:
        return Exit.UNSAFE
    match summary.state:
        case CampaignState.FAILED:
            return Exit.FAILED
        case CampaignState.ABORTED | CampaignState.INTERRUPTED:
            return Exit.ABORTED
        case _:
            return Exit.OK
