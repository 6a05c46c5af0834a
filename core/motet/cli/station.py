"""`motet station`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from motet.cli.exits import Exit, handled
from motet.cli.options import Data, Json


@handled
def station(
    names: Annotated[
        list[str], typer.Argument(help="Stations of the lab file with `remote: true`.", metavar="NAME...")
    ],
    lab: Annotated[Path, typer.Option("--lab", help="The lab file.", metavar="LAB.yaml")] = Path("lab.yaml"),
    data: Data = Path("motet-data"),
    simulated: Annotated[
        bool | None,
        typer.Option("--simulated/--real", help="On simulators or on the instruments, whatever the lab file says."),
    ] = None,
    time_scale: Annotated[
        float | None, typer.Option(help="Lab seconds that pass in a second on simulators.", min=1e-3)
    ] = None,
    as_json: Json = False,
) -> None:
    """Host stations in this process, for campaigns in others, until Ctrl-C. Their experiments are then aborted.
    A second Ctrl-C does not wait for that.

    A station that is hosted again knows what it has done, by its journal in the data folder.
    """
    import signal
    from types import FrameType

    from motet.api.station import Hosting, Options
    from motet.cli.logs import logged
    from motet.cli.undisturbed import undisturbed

    hardware = None if simulated is None else "simulated" if simulated else "real"
    hosting = Hosting(Options(names, lab, data, hardware, time_scale))

    def end(number: int, frame: FrameType | None) -> None:
        hosting.end(f"its process was ended by {signal.Signals(number).name}")

    try:
        with logged(data):
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, end)
            if hosting.lab.broker.embedded and not as_json:
                print(f"waiting for a campaign's broker at port {hosting.lab.broker.port}; Ctrl-C ends it", flush=True)
            hosting.ready.result()
            undisturbed()
            for name in names:
                facts = {"station": name, "lab": hosting.lab.lab, "broker": hosting.broker}
                told = f"station {name} of {hosting.lab.lab} is at {hosting.broker}; Ctrl-C ends it"
                print(json.dumps(facts) if as_json else told, flush=True)
            hosting.wait()
    finally:
        hosting.close()
    if hosting.unsafe:
        print("\n".join(f"UNSAFE   {one}" for one in hosting.unsafe), file=sys.stderr)
        raise typer.Exit(Exit.UNSAFE)
