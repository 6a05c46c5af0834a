"""A procedure that a plugin brings as a Bluesky plan."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from bluesky import Msg, preprocessors
from bluesky.utils import RequestAbort

from motet.devices import Device
from motet.station.gate import Gate
from motet.station.plan import Plan, wait_for_clearance

MakePlan = Callable[[Mapping[str, Device], Mapping[str, Any]], Plan]
"""`plan(devices, parameters)`: opens and closes its own runs, cleans up after itself (`finalize_wrapper`)."""


@dataclass
class PluginPlan:
    """One passage through a plugin's plan. Pauses take effect at its checkpoints; limits are checked by the verbs."""

    make: MakePlan
    devices: Mapping[str, Device]
    values: Mapping[str, Any]
    gate: Gate
    engine: Any
    cleared: "asyncio.Future[Any] | None" = None
    error: Exception | None = field(default=None, init=False)
    unclean: bool = field(default=False, init=False)
    _aborted: bool = field(default=False, init=False)
    _raised: bool = field(default=False, init=False)

    def check(self) -> None:
        """A plan cannot be known before it runs."""

    def plan(self, metadata: Mapping[str, Any]) -> Plan:
        """The plugin's messages; its runs carry the metadata."""
        return self._guarded(dict(metadata))

    async def abort(self) -> None:
        """Stop the verbs that run; the plan then raises the abort itself, and its finalizers run.

        A plan that waits for something else than a verb is ended by the RunEngine's own abort.
        """
        self.wake()
        running = [verb for device in self.devices.values() for verb in device.verbs.values() if verb.running]
        stopped = await asyncio.gather(*(verb.stop(success=False) for verb in running), return_exceptions=True)
        for error in stopped:  # only now: a verb that cannot be stopped must not keep the others moving
            if error is not None:
                raise error
        if not running and self.engine.state == "running":
            self._raised = True  # by the engine: once more would keep the finalizers from running
            await self.engine.abort_run("aborted")

    def wake(self) -> None:
        """Let the plan pass the gate: it is going to be ended."""
        self._aborted = True
        self.gate.pass_through(True)

    def _guarded(self, metadata: dict[str, Any]) -> Plan:
        try:
            yield from wait_for_clearance(self.cleared)
            plan = self.make(self.devices, self.values)
            bpp = cast("Any", preprocessors)
            yield from bpp.inject_md_wrapper(bpp.plan_mutator(plan, self._gated), metadata)
        except Exception as error:
            self.error = error
            raise

    def _gated(self, message: Msg) -> tuple[Plan | None, None]:
        """Before every message: an abort is raised once, a pause waits at checkpoints."""
        if self._aborted and not self._raised:
            self._raised = True
            return _abort(), None
        if message.command != "checkpoint" or self.gate.is_set():
            return None, None
        return self._pause(message), None

    def _pause(self, message: Msg) -> Plan:
        yield message
        (waited,) = yield Msg("wait_for", None, [self.gate.wait])
        waited.result()


def _abort() -> Plan:
    yield Msg("null")
    raise RequestAbort
