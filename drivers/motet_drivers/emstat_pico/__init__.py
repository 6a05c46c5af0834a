"""PalmSens EmStat Pico and EmStat4 potentiostats, by MethodSCRIPT on a serial line.

The instrument runs a script that the driver sends, and streams packages while it measures: Communication protocol for
EmStat Pico v1.6 (230400 baud) and for EmStat4 v1.3 (921600 baud, or a virtual port on USB), MethodSCRIPT manual v1.8.
Every script switches the cell off at its end, after an abort too; after an error of the instrument, a measurement that
was given up and a `stop` the driver sends a script that switches it off. Those documents were not at hand: what they
say was taken from the programs that cite them, and from PalmSens' own published packages. Not yet on hardware.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel

from motet.devices import Context, Device, Identity, Limit, Output, VerbSpec, Verified, verb, verbs_of
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LimitError, NoReply
from motet.lines import Terminated
from motet_drivers.emstat_pico import script as emstat_script
from motet_drivers.emstat_pico.models import HIGH_SPEED, MODELS, model_of
from motet_drivers.emstat_pico.options import Options
from motet_drivers.emstat_pico.packages import OVERLOAD
from motet_drivers.emstat_pico.script import Script
from motet_drivers.emstat_pico.session import Row, Session

__all__ = ["EmStatPico", "Options"]

_log = logging.getLogger(__name__)

_MOST_POINTS = 100_000
_READING_S = 0.1
_TRACE = {"time": Output("s", "array"), "potential": Output("V", "array"), "current": Output("A", "array")}
_SHORTEST_S, _LONGEST_S = 1e-3, 604_800.0


class EmStatPico(Device):
    """A potentiostat. `stop` aborts the measurement that runs, and the cell is off; `safe` is `stop`."""

    framing: ClassVar[Terminated] = Terminated(b"\n", max_length=1024)
    signals: ClassVar[Mapping[str, Output]] = {"potential": Output("V")}
    forgets: ClassVar[tuple[str, ...]] = ("what was being measured: it was aborted and the cell is off, measure again",)
    verified: ClassVar[Verified] = Verified(
        manuals=(
            "Communication protocol for EmStat Pico v1.6 and for EmStat4 v1.3, as cited by the drivers below",
            "MethodSCRIPT manual v1.8, as cited by the drivers below",
        ),
        drivers=(
            "PalmSens' grammar of MethodSCRIPT in pypalmsens 2.2.0: accepts the scripts of every verb",
            "labmcp-palmsens 0.1.3: its driver on our simulator, our driver on its simulator",
            "hardpotato 1.3.13 with PalmSens' example modules: on our simulator",
            "PalmSens' present example in Python (MethodSCRIPT_Examples): a test does what it does, it was not run",
        ),
        unverified=(
            "how many points a voltammogram of several cycles has at the turn of a cycle",
            "how long the instrument goes on after `Z`",
        ),
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        self._model = MODELS[options.model]
        self._line = context.need_line()
        self._session = Session(self._line, context.scale)
        self._identity = ""

    @classmethod
    def verbs_for(cls, options: BaseModel) -> Mapping[str, VerbSpec]:
        """The verbs, with the limits of the model."""
        assert isinstance(options, Options)
        model = MODELS[options.model]
        low, high = model.potentials
        potential = Limit(low, high, "V")
        own = {
            **dict.fromkeys(("begin", "vertex1", "vertex2", "potential"), potential),
            "step": Limit(model.smallest_step, 0.25, "V"),
            "amplitude": Limit(1e-3, model.widest_amplitude, "V"),
            **dict.fromkeys(
                ("lowest_frequency", "highest_frequency"), Limit(model.lowest_frequency, model.highest_frequency, "Hz")
            ),
        }
        return {
            name: replace(spec, limits={**spec.limits, **{key: own[key] for key in spec.arguments if key in own}})
            for name, spec in verbs_of(cls).items()
        }

    async def open(self) -> None:
        """Open the line, make sure who answers, end what it may still be doing, and switch the cell off.

        Raises ConnectionProblem for another instrument, NoReply or GarbledReply when something else or nothing answers.
        """
        await self._line.open()
        try:
            firmware = await self._session.firmware()
            model = model_of(firmware.code)
            if model is None or model != self._options.model:
                raise ConnectionProblem(
                    f"{self.name}: {self._line.where} answers as {model or repr(firmware.code)}, "
                    f"the lab file says {self._options.model} (option `model`)"
                )
            await self._session.stop()
            found = Identity("PalmSens", model, await self._session.serial_number(), firmware.version)
            self._options.check(self.name, self._line.where, found)
            self._identity = str(found)
        except BaseException:
            await self._line.close()
            raise

    async def close(self) -> None:
        """Give the line back."""
        await self._line.close()

    async def identity(self) -> str:
        """Model, serial number and firmware as the instrument gives them."""
        return self._identity

    async def stop(self, success: bool = True) -> None:
        """Abort the measurement that runs, which ends with InstrumentError, and switch the cell off."""
        await self._session.stop()

    async def safe(self) -> None:
        """The measurement is aborted and the cell is switched off: no potential is applied any more."""
        await self.stop()

    @verb(
        units={"begin": "V", "vertex1": "V", "vertex2": "V", "step": "V", "scan_rate": "V/s"},
        outputs={**_TRACE, "cycle": Output("", "array"), "overloads": Output("", "integer")},
        limits={"scan_rate": (1e-5, 500.0), "cycles": (1, 1000)},
    )
    async def cyclic_voltammetry(
        self,
        begin: float,
        vertex1: float,
        vertex2: float,
        scan_rate: float,
        step: float = 0.005,
        cycles: int = 1,
    ) -> Mapping[str, Sequence[float] | int]:
        """Sweep from `begin` to the first vertex, to the second and back, and record the current at each step."""
        potentials = begin, vertex1, vertex2
        set_up = self._options.set_up(self.name, potentials, step / scan_rate)
        script = emstat_script.cyclic_voltammetry(set_up, *potentials, step, scan_rate, cycles)
        rows = await self._measure(script)
        return {**self._trace(rows), "cycle": [float(row.scan) for row in rows]}

    @verb(
        units={"potential": "V", "duration": "s", "interval": "s"},
        outputs={**_TRACE, "overloads": Output("", "integer")},
        limits={"duration": (_SHORTEST_S, _LONGEST_S), "interval": (_SHORTEST_S, 3600.0)},
    )
    async def chronoamperometry(
        self, potential: float, duration: float, interval: float = 0.1
    ) -> Mapping[str, Sequence[float] | int]:
        """Apply a potential and record the current at every interval."""
        self._check_interval(duration, interval)
        set_up = self._options.set_up(self.name, (potential,), interval)
        return self._trace(await self._measure(emstat_script.chronoamperometry(set_up, potential, duration, interval)))

    @verb(
        units={"duration": "s", "interval": "s"},
        outputs={"time": Output("s", "array"), "potential": Output("V", "array")},
        limits={"duration": (_SHORTEST_S, _LONGEST_S), "interval": (_SHORTEST_S, 3600.0)},
    )
    async def open_circuit(self, duration: float, interval: float = 0.1) -> Mapping[str, Sequence[float]]:
        """Record the potential without current at every interval, the cell being off."""
        self._check_interval(duration, interval)
        rows = await self._measure_again(duration, interval)
        return {"time": _column(rows, 0), "potential": _column(rows, 1)}

    @verb(
        units={"potential": "V", "amplitude": "V", "lowest_frequency": "Hz", "highest_frequency": "Hz"},
        outputs={
            "frequency": Output("Hz", "array"),
            "real": Output("ohm", "array"),
            "imaginary": Output("ohm", "array"),
            "overloads": Output("", "integer"),
        },
        limits={"points_per_decade": (1, 100)},
    )
    async def impedance(
        self,
        potential: float,
        lowest_frequency: float,
        highest_frequency: float,
        amplitude: float = 0.01,
        points_per_decade: int = 10,
    ) -> Mapping[str, Sequence[float] | int]:
        """Measure the impedance from the highest frequency to the lowest; the amplitude is in V rms.

        The imaginary part is that of the impedance: negative for a capacity.
        """
        lowest, highest = lowest_frequency, highest_frequency
        if lowest > highest:
            raise LimitError(
                f"{self.name}: lowest_frequency = {lowest:g} Hz is above highest_frequency = {highest:g} Hz"
            )
        points = 1 + round(points_per_decade * math.log10(highest / lowest))
        set_up = replace(
            self._options.set_up(self.name, (potential,), 1.0, HIGH_SPEED), bandwidth=self._options.bandwidth or highest
        )
        rows = await self._measure(
            emstat_script.impedance(set_up, potential, amplitude, lowest, highest, max(1, points))
        )
        return {
            "frequency": _column(rows, 0),
            "real": _column(rows, 1),
            "imaginary": _column(rows, 2),
            "overloads": self._overloads(rows),
        }

    async def get_potential(self) -> float:
        """The potential without current, V, measured for 0.1 s."""
        return _column(await self._measure_again(_READING_S, _READING_S), 1)[-1]

    def _check_interval(self, duration: float, interval: float) -> None:
        if interval > duration:
            raise LimitError(f"{self.name}: interval = {interval:g} s is above duration = {duration:g} s")

    async def _measure(self, script: Script) -> list[Row]:
        if script.points > _MOST_POINTS:
            raise LimitError(f"{self.name}: {script.points} points are beyond the limit of {_MOST_POINTS}")
        return await self._session.run(script)

    async def _measure_again(self, duration: float, interval: float) -> list[Row]:
        """The open circuit; again when something was lost on the line, since nothing is changed by it."""
        script = emstat_script.open_circuit(self._model.modes[0].number, duration, interval)
        for _ in range(self._line.retries):
            try:
                return await self._measure(script)
            except (NoReply, GarbledReply) as error:
                _log.warning("%s; measuring again", error)
        return await self._measure(script)

    def _trace(self, rows: Sequence[Row]) -> dict[str, Sequence[float] | int]:
        return {
            "time": _column(rows, 0),
            "potential": _column(rows, 1),
            "current": _column(rows, 2),
            "overloads": self._overloads(rows),
        }

    def _overloads(self, rows: Sequence[Row]) -> int:
        """In how many points a current was beyond its range. Raises InstrumentError unless they are to be kept."""
        count = sum(any(variable.status & OVERLOAD for variable in row.variables) for row in rows)
        if count and self._options.on_overload == "fail":
            raise InstrumentError(
                f"{self.name}: overload: the current was beyond its range in {count} of {len(rows)} points; "
                f"the largest range is for {self._options.current_range:g} A (option `current_range`)"
            )
        return count


def _column(rows: Sequence[Row], number: int) -> list[float]:
    return [row.variables[number].value for row in rows]
