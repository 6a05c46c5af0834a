"""`motet run`."""

import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from motet.cli.exits import Exit, handled
from motet.cli.options import Data, Json

if TYPE_CHECKING:
    from motet.api.run import Options
    from motet.files.campaign import CampaignFile
    from motet.orchestration import Summary


@handled
def run(
    campaigns: Annotated[
        list[Path],
        typer.Argument(help="The campaign file; several of one lab run at once.", metavar="CAMPAIGN.yaml..."),
    ],
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
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--new",
            help="Go on with a campaign that was cut short (by default, where there is one), or begin anew.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a campaign and write its report. Ctrl-C stops after the current experiments, twice aborts them.

    A campaign that was not ended, since its process was killed or the power went, goes on where it was.
    """
    from motet.api.run import Options, Run, load
    from motet.cli.asking import Prompt, Typist
    from motet.cli.board import Board
    from motet.cli.campaign import display_on, exit_code, signals, wanted_of, write_results
    from motet.cli.logs import logged
    from motet.cli.undisturbed import when_running
    from motet.errors import FileProblems, Problem

    if lines not in (None, "pty", "memory"):
        raise FileProblems([Problem("--lines", None, "", repr(lines), "allowed: pty, memory")])
    hardware = None if simulated is None else "simulated" if simulated else "real"
    options = Options(data, hardware, lines, time_scale, seed, capture, resume)
    if len(campaigns) > 1:
        _together(campaigns, options, as_json)
    file = load(campaigns[0], options)
    board = Board(wanted_of(file), time.monotonic)
    prompt = Prompt(board) if sys.stdin.isatty() and not as_json else None
    with logged(data), ExitStack() as stack:
        display = display_on(board, as_json, prompt, _how(file, data, typed=prompt is not None))
        sinks = [when_running(), display.see]
        if prompt is not None:
            typist = Typist(prompt, raw=sys.stdout.isatty())
            sinks = [when_running(), typist.before_shown, display.see, typist.when_shown]
            stack.enter_context(typist.at_work())
        running = Run(file, options, sinks, answered_here=prompt is not None)
        stack.callback(running.close)
        if prompt is not None:
            prompt.answer = running.answer
        with display.shown(), signals(running):
            summary = running.wait()
    places = write_results(summary, data)
    _conclude(summary, running.file, places, as_json)
    raise typer.Exit(exit_code(summary))


def _together(campaigns: list[Path], options: "Options", as_json: bool) -> NoReturn:
    """Several campaigns in one lab: a line for what happens in each, and every summary in the end."""
    from motet.api.run import load
    from motet.api.together import Together
    from motet.cli.board import Board
    from motet.cli.campaign import as_dict, exit_code, print_outcome, print_places, signals, wanted_of, write_results
    from motet.cli.display import Lines, Nothing
    from motet.cli.logs import logged
    from motet.cli.undisturbed import when_running

    files = [load(path, options) for path in campaigns]
    boards = [Board(wanted_of(file), time.monotonic) for file in files]
    how = _how(files[0], options.data, typed=False)
    named = zip(files, boards, strict=True)
    displays = [Nothing(how) if as_json else Lines(board, how, file.campaign.campaign) for file, board in named]
    with logged(options.data), ExitStack() as stack:
        settle = when_running()
        running = Together(files, options, [[settle, display.see] for display in displays])
        stack.callback(running.close)
        with signals(running):
            summaries = running.wait()
    found = [as_dict(summary) | write_results(summary, options.data) for summary in summaries]
    if as_json:
        print(json.dumps(found))
    for summary, file, facts in zip(summaries, files, found, strict=True):
        if not as_json:
            print(f"\n{summary.campaign}")
            print_outcome(summary, file)
            print_places({name: facts[name] for name in ("store", "report", "data")})
    codes = [exit_code(summary) for summary in summaries]
    raise typer.Exit(Exit.UNSAFE if Exit.UNSAFE in codes else max(codes))


def _how(file: "CampaignFile", data: Path, *, typed: bool) -> str:
    """How questions of this campaign are answered, with CAMPAIGN and NUMBER for what is not known yet."""
    ways = ["type it, then Enter"] if typed else []
    if not file.lab.broker.none:
        where = "" if data == Path("motet-data") else f" --data {data}"
        ways.append(f"answer with `motet answer CAMPAIGN VALUE --question NUMBER{where}`")
    return ", or ".join(ways)


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
