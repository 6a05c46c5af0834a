"""Several campaigns in one lab at once: they share its stations by priority and in fair parts."""

import asyncio
import concurrent.futures
from collections.abc import Sequence

from motet.api.run import Options
from motet.api.session import Session
from motet.api.setting import Setting
from motet.errors import Aborted, FileProblems, Problem
from motet.files.campaign import CampaignFile
from motet.orchestration import Summary
from motet.orchestration.recorder import Sink
from motet.plugins import Registry, installed
from motet.station.engine import LabLoop


class Together:
    """Campaigns that run in the background, in real time. Raises FileProblems when they are not of one lab.

    `sinks` are those of each campaign, in the order of the files. Questions are answered over the broker.
    """

    def __init__(
        self,
        files: Sequence[CampaignFile],
        options: Options,
        sinks: Sequence[Sequence[Sink]],
        registry: Registry | None = None,
    ) -> None:
        _check(files)
        self.files = files
        self._loop = LabLoop()
        setting = Setting(options.data, self._loop.engine)
        registry = registry or installed()
        self._sessions = [
            Session(file, registry, setting, own, options.capture, False, options.resume)
            for file, own in zip(files, sinks, strict=True)
        ]
        self._future: concurrent.futures.Future[Sequence[Summary]] = self._loop.submit(run_together(self._sessions))

    @property
    def campaigns(self) -> Sequence[str]:
        """The campaigns' ids in the store, in the order of the files; empty ones while they are starting."""
        return [session.campaign for session in self._sessions]

    def wait(self, timeout: float | None = None) -> Sequence[Summary]:
        """The summaries when all have ended. Raises what ended the lab before its time, Aborted when it was cancelled
        while it was starting, TimeoutError after `timeout` seconds."""
        try:
            return self._future.result(timeout)
        except (concurrent.futures.CancelledError, asyncio.CancelledError) as error:
            raise Aborted("aborted before the campaigns had started; nothing has moved") from error

    def command(self, name: str, reason: str) -> None:
        """pause, resume, stop, abort or leave all, from any thread. While they are starting, the last three cancel."""
        controls = [session.control for session in self._sessions]
        if any(control is None for control in controls) and name in ("stop", "abort", "leave"):
            self._future.cancel()
        for control in controls:
            if control is not None:
                self._loop.loop.call_soon_threadsafe(control.command, name, reason)

    def close(self) -> None:
        """Stop the loop."""
        self._loop.close()


async def run_together(sessions: Sequence[Session]) -> Sequence[Summary]:
    """All of them in one lab. When one is ended by a defect, the others come to their own ends first."""
    async with sessions[0].lab(sessions) as lab:
        for session in sessions:
            await session.begin(lab)
        for session in sessions:
            session.claim()
        ends = await asyncio.gather(*(session.run_in(lab) for session in sessions), return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return [end for end in ends if not isinstance(end, BaseException)]


def _check(files: Sequence[CampaignFile]) -> None:
    first = files[0]
    problems: list[Problem] = []
    for file in files[1:]:
        if file.lab != first.lab:
            allowed = f"campaigns that run together share one lab: {first.path} is of {first.lab.lab!r}"
            problems.append(
                Problem(str(file.path), None, "lab", f"the lab {file.lab.lab!r}, or other settings", allowed)
            )
    names = [file.campaign.campaign for file in files]
    for index, file in enumerate(files):
        if file.campaign.campaign in names[:index]:
            allowed = "campaigns that run together have names of their own"
            problems.append(Problem(str(file.path), None, "campaign", repr(file.campaign.campaign), allowed))
    if problems:
        raise FileProblems(problems)
