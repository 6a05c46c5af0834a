"""Run a campaign file from a program's main thread: the lab loop works in its own thread meanwhile."""

import asyncio
import concurrent.futures
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from motet.api.session import Session, Sink
from motet.errors import Aborted
from motet.files.campaign import CampaignFile, load_campaign
from motet.orchestration import Summary
from motet.plugins import Registry, installed
from motet.station.engine import LabLoop


@dataclass(frozen=True)
class Options:
    """How to run a campaign, beside what its files say; None leaves the file's own value.

    data: folder of the store, reports and exports. time_scale: lab seconds a second, with simulated hardware only.
    """

    data: Path = Path("motet-data")
    hardware: Literal["real", "simulated"] | None = None
    lines: Literal["pty", "memory"] | None = None
    time_scale: float | None = None
    seed: int | None = None
    capture: bool = False


class Run:
    """A campaign that runs in the background: wait for it, or tell it to end."""

    def __init__(
        self, file: CampaignFile, options: Options, sinks: Sequence[Sink] = (), registry: Registry | None = None
    ) -> None:
        self.file = file
        self._lab_loop = LabLoop()
        registry = registry or installed()
        self._session = Session(file, registry, options.data, self._lab_loop, sinks, options.capture)
        self._future: concurrent.futures.Future[Summary] = self._lab_loop.submit(self._session.run())

    @property
    def campaign(self) -> str:
        """The campaign's id in the store; empty while it is starting."""
        return self._session.campaign

    def wait(self, timeout: float | None = None) -> Summary:
        """The summary when the campaign has ended. Raises what ended it before its time, Aborted when it was cancelled
        while it was starting, TimeoutError after `timeout` seconds."""
        try:
            return self._future.result(timeout)
        except (concurrent.futures.CancelledError, asyncio.CancelledError) as error:
            raise Aborted("aborted before the campaign had started; nothing has moved") from error

    def command(self, name: str, reason: str) -> None:
        """pause, resume, stop or abort, from any thread. While the campaign is starting, stop and abort cancel it."""
        control = self._session.control
        if control is not None:
            self._lab_loop.loop.call_soon_threadsafe(control.command, name, reason)
        elif name in ("stop", "abort"):
            self._future.cancel()

    def close(self) -> None:
        """Stop the lab loop."""
        self._lab_loop.close()


def load(path: Path, options: Options, registry: Registry | None = None) -> CampaignFile:
    """A valid campaign file with the options put over it. Raises FileProblems."""
    file = load_campaign(path, registry or installed())
    changes = {"time_scale": options.time_scale, "lines": options.lines}
    simulation = file.lab.simulation.model_copy(update={k: v for k, v in changes.items() if v is not None})
    hardware = options.hardware or file.lab.hardware
    lab = file.lab.model_copy(update={"simulation": simulation, "hardware": hardware})
    seed = file.campaign.seed if options.seed is None else options.seed
    return file.replace(lab=lab, campaign=file.campaign.model_copy(update={"seed": seed}))


def run_campaign(path: Path, options: Options | None = None, sinks: Sequence[Sink] = ()) -> Summary:
    """Run a campaign file to its end. Raises FileProblems, ConnectionProblem and whatever else stops it."""
    options = options or Options()
    run = Run(load(path, options), options, sinks)
    try:
        return run.wait()
    finally:
        run.close()
