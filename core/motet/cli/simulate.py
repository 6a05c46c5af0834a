"""`motet simulate`."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.exits import handled
from motet.cli.options import Json

if TYPE_CHECKING:
    from motet.files.campaign import CampaignFile
    from motet.orchestration import Summary

SimulatedData = Annotated[
    Path,
    typer.Option("--data", help="Folder of simulated stores and reports, apart from measured ones.", show_default=True),
]


@handled
def simulate(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.", metavar="CAMPAIGN.yaml")],
    data: SimulatedData = Path("motet-simulated"),
    seed: Annotated[
        int | None, typer.Option(help="Seed of the learner and of the noise, instead of the files'.", min=0)
    ] = None,
    stations: Annotated[
        int | None, typer.Option(help="So many stations: the first ones, or copies of them.", min=1)
    ] = None,
    learner_time: Annotated[
        str | None, typer.Option(help="How long the learner's work lasts in the lab: 0, `2 s`, or measured.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(help="Play at so many lab seconds a second, not as fast as possible.", min=1e-3, max=1e9),
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Leave out the RunEngine and its documents.")] = False,
    check: Annotated[
        int, typer.Option(help="With --fast: compare so many first experiments with the full run; 0: none.", min=0)
    ] = 4,
    as_json: Json = False,
) -> None:
    """Run a campaign on simulators in virtual time: a week of lab time in seconds, with the lab's own timeline."""
    from motet.api.simulate import SimulatedRun, Simulation, load_simulated
    from motet.cli.campaign import display_of, exit_code, signals, write_results
    from motet.cli.logs import logged
    from motet.model.events import CampaignState

    wanted = {"stations": stations, "learner_time": learner_time}
    changes = {name: str(value) for name, value in wanted.items() if value is not None}
    file = load_simulated(campaign, seed=seed, changes=changes)
    started: list[SimulatedRun] = []
    display = display_of(file, as_json, lambda: started[0].lab_time() if started else 0.0)
    with logged(data):
        began = time.perf_counter()
        running = SimulatedRun(file, Simulation(data, fast, speed), [display.see])
        started.append(running)
        try:
            with display.shown(), signals(running):
                summary = running.wait()
        finally:
            running.close()
        times = {"real_s": time.perf_counter() - began, "learner_s": running.learner_s}
    checked = ""
    if fast and check and summary.state is not CampaignState.FINISHED:
        checked = f"not against the full run, as the campaign was {summary.state}"
    elif fast and check:
        from motet.api.fast_check import check_fast

        checked = check_fast(file, check)
    places = write_results(summary, data)
    if as_json:
        from motet.cli.campaign import as_dict

        print(json.dumps(as_dict(summary) | times | places | ({"check": checked} if checked else {})))
    else:
        _conclude(summary, file, times, checked, places)
    raise typer.Exit(exit_code(summary))


def _conclude(
    summary: "Summary", file: "CampaignFile", times: dict[str, float], checked: str, places: dict[str, str]
) -> None:
    from motet.cli.campaign import print_outcome, print_places
    from motet.cli.text import clock

    print_outcome(summary, file)
    stations = f"{summary.stations} station{'s' if summary.stations != 1 else ''}"
    wall, real = summary.wall_s, times["real_s"]
    print(f"lab time {clock(wall)} ({wall:.1f} s) with {stations}, {clock(summary.busy_s)} of experiments")
    print(f"took     {real:.1f} s, {times['learner_s']:.1f} s of it the learner's: {wall / real:.0f} times as fast")
    if checked:
        print(f"checked  {checked}")
    print_places(places)
    print(f"speed-up {summary.speed_up:.2f} ({stations}, {summary.experiments} experiments)")
