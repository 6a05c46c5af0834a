"""Thorlabs Elliptec modules (ELLx): sliders, linear and rotary stages, alone or several on one bus (9600 baud).

    Ain, Ags, Agp            who the module at address A is, how it is, where it is
    Aho0, Ama.., Amr..       home, go to, go by; answered with PO when it has arrived, with GS when it has not
    Afw, Abw                 a slider to its next position
    Asv.., Ast               velocity in percent; end a continuous motion

`motet_drivers.elliptec.protocol` says where this is from. A motion is watched with `gs`, which says 09 while the module
is busy; the PO that ends it is taken where it comes in between.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from motet.devices import Context, Device, Expected, Limit, Limits, Output, VerbSpec, Verified, verb, verbs_of
from motet.errors import ConnectionProblem, InstrumentError, NoReply, Retryable
from motet_drivers.elliptec import protocol
from motet_drivers.elliptec.protocol import Code, Information, Kind, ModuleFraming

UNITS: dict[Kind, str] = {"linear": "mm", "rotary": "deg", "slider": ""}
_SPEEDS: dict[Kind, float] = {"linear": 180.0, "rotary": 430.0, "slider": 2.0}
"""Typical, mm/s, deg/s and positions/s (data sheets of ELL20, ELL14, ELL9)."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 0.1


class Options(Expected):
    """Which module it is, and how it moves."""

    address: str = Field(default="0", pattern=r"^[0-9A-F]$")
    """Its address on the bus, 0 to F."""
    kind: Kind = "linear"
    """linear: positions in mm; rotary: in deg; slider: the number of its position, from 0."""
    velocity: int | None = Field(default=None, ge=1, le=100)
    """Percent of its full velocity; without it the module keeps what it has."""
    speed: float | None = Field(default=None, gt=0)
    """Full speed in mm/s, deg/s or positions/s, to tell how long a motion may take; typical without it."""
    home_direction: Literal["clockwise", "counterclockwise"] = "clockwise"
    """Which way a rotary module goes home."""
    tolerance: float = Field(default=0.1, gt=0)
    """How far from its target it may come to rest, mm or deg."""
    margin: float = Field(default=5.0, gt=0)
    """Time for a motion beyond twice distance / speed, s."""


class Elliptec(Device):
    """A Thorlabs Elliptec module. `safe` is `stop`.

    `stop` ends a continuous motion; most modules finish a move to a position, which takes at most a second or two:
    `stop` waits until it rests.
    """

    signals: ClassVar[Mapping[str, Output]] = {"position": Output("mm")}
    states: ClassVar[Mapping[str, str]] = {protocol.named(code): text for code, text in protocol.MEANINGS.items()}
    verified: ClassVar[Verified] = Verified(
        drivers=(
            "elliptec 0.1.0 against the simulator: ELL20, ELL14, ELL9 (in the tests)",
            "thorlabs_elliptec 1.3.0 against the simulator: ELL20, ELL14 on one port (in the tests)",
            "tl_elliptec 1.0.1 against the simulator: ELL20, ELL14, ELL9 (in the tests)",
            "pylablib-lightweight 1.4.3 against the simulator, by hand: settings and moves of ELL6, 9, 14, 17, 18, 20",
            "Thorlabs-Elliptec-Motorized-Stages 1.0.0 against the simulator, by hand: ELL20, ELL14; its sliders do not "
            "take the PO that ends `fw`",
        ),
        unverified=(
            "anything against the maker's protocol manual, which could not be read: it is what the drivers above speak",
            "whether a slider answers `fw` with PO, as most drivers expect, or otherwise",
            "which modules let `st` end a move to a position",
            "what a rotary module gives as its position beyond a turn",
        ),
    )  # fmt: skip
    forgets: ClassVar[tuple[str, ...]] = ("whether the module was switched off meanwhile: run `home`",)

    def __init__(self, context: Context) -> None:
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        super().__init__(context)
        self._line = context.need_line()
        self._module: Information | None = None
        self._stops = 0
        self._motion = asyncio.Lock()

    @classmethod
    def verbs_for(cls, options: BaseModel) -> Mapping[str, VerbSpec]:
        """The verbs, with the unit of this kind of module; a slider goes to positions only."""
        assert isinstance(options, Options)
        unit = UNITS[options.kind]
        verbs: dict[str, VerbSpec] = {}
        for name, spec in verbs_of(cls).items():
            arguments = {key: replace(argument, unit=unit) for key, argument in spec.arguments.items()}
            limits = {key: replace(limit, unit=unit) for key, limit in spec.limits.items()}
            verbs[name] = replace(spec, arguments=arguments, limits=limits)
        if options.kind == "slider":
            verbs.pop("move_by")
            most = max(protocol.SLOTS.values()) - 1
            verbs["move"] = replace(verbs["move"], limits={"position": Limit(0, most)})
        return verbs

    @classmethod
    def signals_for(cls, options: BaseModel) -> Mapping[str, Output]:
        """Where it is, in the unit of this kind of module."""
        assert isinstance(options, Options)
        return {"position": Output(UNITS[options.kind])}

    @classmethod
    def framing_for(cls, options: BaseModel) -> ModuleFraming:
        """Frames of the module at its address."""
        assert isinstance(options, Options)
        return ModuleFraming(options.address)

    async def open(self) -> None:
        """Open the line, make sure that the right module answers. Nothing moves.

        Raises ConnectionProblem for another module than the lab file names, NoReply or GarbledReply when something
        else or nothing answers at the address.
        """
        await self._line.open()
        try:
            module = await self._line.query(self._request("in"), protocol.information)
            self._check(module)
            await self._line.query(self._request("gs"), protocol.status)  # an error from before is read away
            if self._options.velocity is not None:
                await self._set(f"sv{self._options.velocity:02X}")
            self._module = module
        except BaseException:
            await self._line.close()
            raise

    async def close(self) -> None:
        """Give the line back; the module stays where it is."""
        await self._line.close()

    async def identity(self) -> str:
        """Model, serial number and firmware as the module gives them."""
        return str(self._known.identity)

    async def stop(self, success: bool = True) -> None:
        """Tell the module to stop and wait until it rests. A verb that is running ends with InstrumentError."""
        self._stops += 1
        with contextlib.suppress(NoReply):  # a module that does not take it need not answer
            await self._line.command(self._request("st"), protocol.moving)
        await self._rest(self._longest(self._range), f"{self._line}: it still moves after `st`")

    @verb()
    async def home(self) -> None:
        """Go to the home position, from where positions count."""
        clockwise = self._options.home_direction == "clockwise"
        async with self._moving() as stops:
            await self._run(f"ho{0 if clockwise else 1}", self._range, stops)

    @verb(units={"position": "mm"})
    async def move(self, position: float) -> None:
        """Go to a position; a slider to one of its positions, counted from 0."""
        async with self._moving() as stops:
            self.limits.check("position", position)
            if self._known.slots:
                await self._slide(position, stops)
            else:
                await self._travel(position, stops)

    @verb(units={"position": "mm"}, relative=("position",))
    async def move_by(self, position: float) -> None:
        """Go a distance from where it is."""
        async with self._moving() as stops:
            target = await self.get_position() + position
            self.limits.check("position", target)
            await self._travel(target, stops)

    async def get_position(self) -> float:
        """Where it is: mm, deg, or the number of a slider's position."""
        return self._from_counts(await self._line.query(self._request("gp"), protocol.position))

    async def _travel(self, target: float, stops: int) -> None:
        module = self._known
        if module.kind == "linear":
            Limits(self.name, {"position": Limit(0, module.travel, "mm")}).check("position", target)
        way = abs(target - await self.get_position())
        await self._run(f"ma{protocol.long(round(target * module.per_unit))}", way, stops)
        reached = await self.get_position()
        if abs(reached - target) > self._options.tolerance:
            unit = UNITS[self._options.kind]
            raise InstrumentError(f"{self._line}: it came to rest at {reached:g} {unit}, not at {target:g} {unit}")

    async def _slide(self, target: float, stops: int) -> None:
        slots = self._known.slots
        Limits(self.name, {"position": Limit(0, slots - 1)}).check("position", target)
        if target != round(target):
            raise InstrumentError(f"{self.name}: position = {target:g}: a slider has positions 0, 1, ... {slots - 1}")
        at = await self.get_position()
        for _ in range(slots):
            if at == target:
                return
            await self._run("fw" if at < target else "bw", 1.0, stops)
            at = await self.get_position()
        if at != target:
            raise InstrumentError(f"{self._line}: it came to rest at position {at:g}, not at {target:g}")

    async def _run(self, command: str, way: float, stops: int) -> None:
        """Send what sets it in motion, unless a stop came first, and wait until it rests."""
        self._check_not_stopped(stops)
        await self._line.send(self._request(command))
        longest = self._longest(way)
        code = await self._rest(longest, f"{self._line}: {command!r} did not end within {longest:.1f} s")
        self._check_not_stopped(stops)
        if code is not Code.OK:
            raise self._refused(command, code)

    async def _rest(self, longest: float, problem: str) -> Code:
        """Wait until it is not busy, at most so many loop seconds; how it ended. Raises InstrumentError.

        A position that comes in between tells the end; `gs` is asked again all the same, so that no reply is owed.
        """
        loop = asyncio.get_running_loop()
        started, pause = loop.time(), _FIRST_PAUSE_S
        while (code := await self._line.query(self._request("gs"), protocol.moving)) in (Code.BUSY, None):
            if loop.time() - started > longest:
                raise InstrumentError(problem)
            if code is not None:
                await asyncio.sleep(pause)
                pause = min(1.5 * pause, _LONGEST_PAUSE_S)
        assert code is not None
        return code

    @contextlib.asynccontextmanager
    async def _moving(self) -> AsyncGenerator[int]:
        """One motion at a time; whatever goes wrong in it, also a cancellation, nothing is left moving."""
        stops = self._stops
        async with self._motion:
            try:
                yield stops
            except asyncio.CancelledError:
                with contextlib.suppress(Retryable, InstrumentError):  # the cancellation says more
                    await self.stop()
                raise

    async def _set(self, command: str) -> None:
        code = await self._line.command(self._request(command), protocol.status)
        if code is not Code.OK:
            raise self._refused(command, code)

    def _check_not_stopped(self, stops: int) -> None:
        if self._stops != stops:
            raise InstrumentError(f"{self.name}: stopped before it arrived")

    def _check(self, module: Information) -> None:
        where = f"address {self._options.address} of {self._line}"
        if module.kind != self._options.kind:
            what = "of a kind that this driver does not know" if module.kind is None else f"a {module.kind} module"
            raise ConnectionProblem(
                f"{self.name}: {module.identity} at {where} is {what}, the lab file says kind: {self._options.kind}"
            )
        self._options.check(self.name, where, module.identity)

    def _refused(self, command: str, code: Code) -> InstrumentError:
        return InstrumentError(
            f"{self._line}: {command!r}: status {int(code)}: {protocol.MEANINGS[code]} ({protocol.named(code)})"
        )

    def _from_counts(self, counts: int) -> float:
        module = self._known
        if module.slots:
            spacing = module.travel / (module.slots - 1)
            return float(min(module.slots - 1, max(0, round(counts / spacing))))
        return counts / module.per_unit

    def _longest(self, way: float) -> float:
        """How long a motion over so many mm, deg or positions may take, loop seconds."""
        options = self._options
        speed = (options.speed or _SPEEDS[options.kind]) * (options.velocity or 100) / 100
        return (2 * way / speed + options.margin) / self.context.scale

    def _request(self, command: str) -> bytes:
        return f"{self._options.address}{command}".encode("ascii")

    @property
    def _range(self) -> float:
        module = self._known
        return float(module.slots or module.travel)

    @property
    def _known(self) -> Information:
        if self._module is None:
            raise ConnectionProblem(f"{self.name}: {self._line} is not open: its module is not known yet")
        return self._module
