"""A procedure as a Bluesky plan.

One experiment is one run. Every step begins with a checkpoint, where a pause takes effect, and every step that gives
outputs makes one event in the stream of its name. Whatever goes wrong, what still moves is stopped first, then the
cleanup steps run, then the run is closed.
"""

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from bluesky import Msg
from bluesky.utils import RequestAbort, RunEngineControlException

from motet.devices import Device, Verb
from motet.errors import ProcedureError
from motet.files import expressions
from motet.files.references import reference, resolve, seconds
from motet.model.procedure import IfStep, Procedure, RepeatStep, Step, VerbStep, WaitStep
from motet.model.values import PluginRef
from motet.station.gate import Gate

Plan = Generator[Msg, Any, Any]


@dataclass
class ProcedurePlan:
    """One passage through a procedure.

    `values` holds the parameters by name and grows by `step.output`; `units` holds the unit of each where it has one.
    `gate` is closed while the station is paused or an interlock is tripped. `cleared` is awaited, inside the run,
    before the first step. `scale` is lab seconds a second. `started` hears of every step. `error` is the first thing
    that went wrong, `unclean` says that the cleanup steps did not come to their end.
    """

    procedure: Procedure
    devices: Mapping[str, Device]
    values: dict[str, Any]
    units: dict[str, str]
    gate: Gate
    cleared: "asyncio.Future[Any] | None" = None
    scale: float = 1.0
    started: Callable[[str], object] = lambda step: None
    error: Exception | None = field(default=None, init=False)
    unclean: bool = field(default=False, init=False)
    _aborted: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _cleaning: bool = field(default=False, init=False)
    _moving: Verb | None = field(default=None, init=False)
    _groups: "count[int]" = field(default_factory=count, init=False)

    def check(self) -> None:
        """Raises LimitError or ProcedureError for any step that asks for what its device does not take.

        Everything that is known before the first move is checked: literals and parameters, in all branches.
        """
        for step in _verb_steps((*self.procedure.steps, *self.procedure.cleanup)):
            if step.verb == "read":
                continue
            verb = self._verb(step)
            known = {k: v for k, v in step.arguments.items() if not _is_result(v)}
            later = step.arguments.keys() - known.keys()
            verb.check(self._arguments(known, verb), later)

    def plan(self, metadata: Mapping[str, Any]) -> Plan:
        """The messages of the whole run.

        As Bluesky's `run_wrapper` has them, whose plans note where they were made, which takes longer than a step.
        """
        yield Msg("open_run", None, **metadata)
        try:
            yield from self._guarded()
        except RunEngineControlException as control:
            status: Any = getattr(control, "exit_status", "fail")
            yield Msg("close_run", None, exit_status=status, reason=None)
            raise
        except Exception as error:
            yield Msg("close_run", None, exit_status="fail", reason=str(error))
            raise
        yield Msg("close_run", None, exit_status=None, reason=None)

    async def abort(self) -> None:
        """Stop what moves, begin no further step but cleanup. The run ends with exit status `abort`.

        Nothing of the RunEngine is cancelled: a wait in progress ends early, and the plan itself raises the abort.
        """
        self.wake()
        if self._moving is not None and not self._cleaning:
            await self._moving.stop(success=False)

    def wake(self) -> None:
        """Let no wait of the plan go on: it is going to be ended."""
        self._aborted.set()
        self.gate.pass_through(True)

    def _guarded(self) -> Plan:
        try:
            yield from wait_for_clearance(self.cleared)
            yield from self._run(self.procedure.steps)
        except Exception as error:
            self.error = error
            if self._moving is not None:
                yield Msg("stop", self._moving)
            yield from self._clean_up()
            raise
        yield from self._clean_up()

    def _clean_up(self) -> Plan:
        self._cleaning = self.unclean = True
        yield from self._run(self.procedure.cleanup)
        self.unclean = False

    def _go_on(self) -> None:
        if self._aborted.is_set() and not self._cleaning:
            raise RequestAbort

    def _run(self, steps: Sequence[Step]) -> Plan:
        for step in steps:
            yield Msg("checkpoint")
            if not self.gate.is_set():
                (waited,) = yield Msg("wait_for", None, [self.gate.wait])
                waited.result()
            self._go_on()
            match step:
                case VerbStep(verb="read"):
                    yield from self._read(step)
                case VerbStep():
                    yield from self._do(step)
                case WaitStep():
                    yield from self._wait(step)
                case RepeatStep():
                    yield from self._repeat(step)
                case IfStep():
                    holds = expressions.evaluate(step.condition, self.values)
                    yield from self._run(step.then if holds else step.otherwise)

    def _do(self, step: VerbStep) -> Plan:
        verb = self._verb(step)
        self.started(step.label)
        group = f"step-{next(self._groups)}"
        self._moving = verb
        yield Msg("set", verb, self._arguments(step.arguments, verb), group=group)
        self._go_on()
        yield Msg("wait", None, group=group)
        self._go_on()
        self._moving = None
        if verb.spec.outputs:
            yield from _event(step.name, verb)
            self._keep(step.name, {key: verb.outputs[key] for key in verb.spec.outputs})
            self.units.update({f"{step.name}.{key}": output.unit for key, output in verb.spec.outputs.items()})

    def _wait(self, step: WaitStep) -> Plan:
        self.started(f"wait {step.wait}")
        duration = seconds(step.wait) / self.scale

        async def pass_time() -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(duration):
                    await self._aborted.wait()

        if self._cleaning:
            yield Msg("sleep", None, duration)
        else:
            yield Msg("wait_for", None, [pass_time])
            self._go_on()

    def _read(self, step: VerbStep) -> Plan:
        device = self.devices[step.device]
        self.started(step.label)
        reading: Mapping[str, Any] = yield from _event(step.name, device)
        self._keep(step.name, {key.removeprefix(f"{device.name}-"): value["value"] for key, value in reading.items()})
        outputs = device.signals_for(device.context.options)
        self.units.update({f"{step.name}.{key}": output.unit for key, output in outputs.items()})

    def _repeat(self, step: RepeatStep) -> Plan:
        for _ in range(step.times):
            yield from self._run(step.steps)
            if step.until is not None and expressions.evaluate(step.until, self.values):
                return
        if step.until is not None:
            raise ProcedureError(
                f"`{step.until}` did not come true in {step.times} repetitions ({self._last(step.until)})"
            )

    def _keep(self, name: str, outputs: Mapping[str, Any]) -> None:
        self.values.update({f"{name}.{key}": value for key, value in outputs.items()})

    def _last(self, condition: str) -> str:
        return ", ".join(f"${name} = {self.values.get(name)}" for name in expressions.references(condition))

    def _verb(self, step: VerbStep) -> Verb:
        device = self.devices.get(step.device)
        if device is None:
            raise ProcedureError(f"{step.label}: no device {step.device!r}; there is: {', '.join(self.devices)}")
        verb = device.verbs.get(step.verb)
        if verb is None:
            raise ProcedureError(f"{step.label}: no such verb; {device.name} has: read, {', '.join(device.verbs)}")
        return verb

    def _arguments(self, arguments: Mapping[str, Any], verb: Verb) -> dict[str, Any]:
        specs = verb.spec.arguments
        return {
            key: resolve(value, self.values, self.units, specs[key].unit if key in specs else "")
            for key, value in arguments.items()
        }


def wait_for_clearance(cleared: "asyncio.Future[Any] | None") -> Plan:
    """Wait inside the run, unless all is clear already; raises what `cleared` raises."""
    if cleared is None:
        return
    if cleared.done():
        cleared.result()
        return

    async def clearance() -> None:
        await cleared

    (waited,) = yield Msg("wait_for", None, [clearance])
    waited.result()


def _event(stream: str, readable: Any) -> Generator[Msg, Any, Mapping[str, Any]]:
    yield Msg("create", None, name=stream)
    reading: Mapping[str, Any] = yield Msg("read", readable)
    yield Msg("save")
    return reading


def _verb_steps(steps: Sequence[Step]) -> list[VerbStep]:
    """Every verb step, also those inside `repeat` and `if`."""
    found: list[VerbStep] = []
    for step in steps:
        match step:
            case VerbStep():
                found.append(step)
            case RepeatStep():
                found += _verb_steps(step.steps)
            case IfStep():
                found += _verb_steps((*step.then, *step.otherwise))
            case WaitStep():
                pass
    return found


def used_devices(procedure: Procedure | PluginRef) -> frozenset[str] | None:
    """The devices that the steps of a procedure name; None for a plugin, which may use any."""
    if isinstance(procedure, PluginRef):
        return None
    return frozenset(step.device for step in _verb_steps((*procedure.steps, *procedure.cleanup)))


def unrepeatable_steps(procedure: Procedure | PluginRef, devices: Mapping[str, Device]) -> tuple[str, ...]:
    """The steps of a procedure, `device.verb`, that must never be repeated by themselves; of a plugin's plan, whatever
    its station could do that must not."""
    if isinstance(procedure, PluginRef):
        verbs = [(f"{key}.{name}", verb) for key, one in devices.items() for name, verb in one.verbs.items()]
    else:
        steps = _verb_steps((*procedure.steps, *procedure.cleanup))
        found = [(step.label, devices[step.device].verbs.get(step.verb)) for step in steps if step.device in devices]
        verbs = [(label, verb) for label, verb in found if verb is not None]
    return tuple(dict.fromkeys(label for label, verb in verbs if not verb.spec.repeatable))


def _is_result(argument: Any) -> bool:
    """Whether an argument refers to an output of an earlier step, which is not known beforehand; that of an earlier
    stage, `stage.step.output`, is."""
    name = reference(argument)
    return name is not None and name.count(".") == 1
