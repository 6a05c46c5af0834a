"""Run a campaign file from a program's main thread: the lab loop works in its own thread meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from motet.api.running import Running
from motet.api.session import Session
from motet.api.setting import Setting
from motet.files.campaign import CampaignFile, load_campaign
from motet.orchestration import Summary
from motet.orchestration.recorder import Sink
from motet.plugins import Registry, installed
from motet.station.engine import LabLoop


@dataclass(frozen=True)
class Options:
    """How to run a campaign, beside what its files say; None leaves the file's own value.

    data: folder of the store, reports and exports. time_scale: lab seconds a second, with simulated hardware only.
    resume: a campaign that an earlier process left goes on (True: it has to be there), or is given up (False).
    """

    data: Path = Path("motet-data")
    hardware: Literal["real", "simulated"] | None = None
    lines: Literal["pty", "memory"] | None = None
    time_scale: float | None = None
    seed: int | None = None
    capture: bool = False
    resume: bool | None = None


class Run(Running):
    """A campaign that runs in the background, in real time.

    Without `answered_here` nobody calls `answer`: then questions need a broker, over which `motet answer` comes.
    """

    def __init__(
        self,
        file: CampaignFile,
        options: Options,
        sinks: Sequence[Sink] = (),
        registry: Registry | None = None,
        *,
        answered_here: bool = True,
    ) -> None:
        lab_loop = LabLoop()
        setting = Setting(options.data, lab_loop.engine)
        session = Session(file, registry or installed(), setting, sinks, options.capture, answered_here, options.resume)
        super().__init__(file, session, lab_loop)


def load(path: Path, options: Options, registry: Registry | None = None) -> CampaignFile:
    """A valid campaign file with the options put over it. Raises FileProblems."""
    file = load_campaign(path, registry or installed(), options.hardware)
    changes = {"time_scale": options.time_scale, "lines": options.lines}
    simulation = file.lab.simulation.model_copy(update={k: v for k, v in changes.items() if v is not None})
    hardware = options.hardware or file.lab.hardware
    lab = file.lab.model_copy(update={"simulation": simulation, "hardware": hardware})
    seed = file.campaign.seed if options.seed is None else options.seed
    return file.replace(lab=lab, campaign=file.campaign.model_copy(update={"seed": seed}))


def run_campaign(path: Path, options: Options | None = None, sinks: Sequence[Sink] = ()) -> Summary:
    """Run a campaign file to its end. Raises FileProblems, ConnectionProblem and whatever else stops it."""
    options = options or Options()
    run = Run(load(path, options), options, sinks, answered_here=False)
    try:
        return run.wait()
    finally:
        run.close()
