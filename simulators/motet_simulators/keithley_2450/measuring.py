"""What measures, keeps readings and sweeps at the simulated Model 2450 (Reference Manual, section 6)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from motet_simulators.keithley_2450 import scpi, sweep
from motet_simulators.keithley_2450.buffer import Buffer, elements_of
from motet_simulators.keithley_2450.handlers import LONG, Entries, Handler, Parameters, Wait, asked, one, plain
from motet_simulators.keithley_2450.scpi import ScpiError, string
from motet_simulators.keithley_2450.settings import MOST, RANGES, fixed_range

if TYPE_CHECKING:
    from motet_simulators.keithley_2450 import Keithley2450

_MOST_SIZE = 6_875_000


def sense() -> Entries:
    """Measuring functions, :READ?, :MEASure? and :FETCh?."""
    names = {"VOLT": '"VOLT:DC"', "CURR": '"CURR:DC"', "RES": '"RES"'}
    yield "[:SENSe[1]]:FUNCtion[:ON]?", plain(lambda unit: names[unit.sense])
    yield "[:SENSe[1]]:FUNCtion[:ON]", one(lambda unit, text: setattr(unit, "sense", _function(string(text))))
    yield "[:SENSe[1]]:AZERo:ONCE", plain(lambda unit: None)
    for short, long in LONG.items():
        path = f"[:SENSe[1]]:{long}" if short == "RES" else f"[:SENSe[1]]:{long}[:DC]"
        yield f"{path}:RANGe[:UPPer]", one(lambda unit, text, short=short: _sense_range(unit, short, text))
        yield (
            f"{path}:RANGe[:UPPer]?",
            lambda unit, given, short=short: asked(
                given, unit.measuring_range(short), RANGES[short][0], RANGES[short][-1], RANGES[short][0]
            ),
        )
        measure = f":MEASure:{long}" if short == "RES" else f":MEASure:{long}[:DC]"
        yield f"{measure}?", lambda unit, given, short=short: _read(unit, given, short)
    yield ":MEASure?", lambda unit, given: _read(unit, given, unit.sense)
    yield ":READ?", lambda unit, given: _read(unit, given, unit.sense)
    yield ":FETCh?", _fetch


def _function(text: str) -> str:
    return scpi.choice(text.upper().removesuffix(":DC"), tuple(LONG.values()))


def _sense_range(unit: "Keithley2450", short: str, text: str) -> None:
    most = MOST[short]
    unit.ranges[short] = fixed_range(short, scpi.bounded(text, 0 if short == "RES" else -most, most, RANGES[short][0]))
    unit.settings[f"{short}:AUTO"] = "0"


def _read(unit: "Keithley2450", given: Parameters, function: str) -> Wait:
    """Measure as often as :SENSe:COUNt says, into the buffer; the answer is of the last reading."""
    if unit.run is not None:
        raise ScpiError(-213)
    name, elements = _buffer_name(given), elements_of(given[1:])
    unit.find(name)
    unit.sense = function
    count = int(float(unit.settings["COUN"]))

    def answer() -> str:
        for _ in range(count):
            unit.measure(name)
        return unit.find(name).last(elements)

    return Wait(unit.clock.now() + count * unit.reading_time(), answer)


def _fetch(unit: "Keithley2450", given: Parameters) -> Wait:
    name, elements = _buffer_name(given), elements_of(given[1:])
    buffer = unit.find(name)
    return Wait(unit.idle_at(), lambda: buffer.last(elements))


def _buffer_name(given: Parameters) -> str:
    return string(given[0]) if given else "defbuffer1"


def buffers() -> Entries:
    """The TRACe subsystem."""

    def ofone(act: Callable[["Keithley2450", Buffer], str | None]) -> Handler:
        """For what takes the name of a buffer, or none."""

        def handler(unit: "Keithley2450", given: Parameters) -> str | None:
            if len(given) > 1:
                raise ScpiError(-108)
            return act(unit, unit.find(_buffer_name(given)))

        return handler

    yield ":TRACe:ACTual?", ofone(lambda unit, buffer: str(len(buffer.readings)))
    yield ":TRACe:ACTual:STARt?", ofone(lambda unit, buffer: str(min(1, len(buffer.readings))))
    yield ":TRACe:ACTual:END?", ofone(lambda unit, buffer: str(len(buffer.readings)))
    yield ":TRACe:CLEar", ofone(lambda unit, buffer: buffer.readings.clear())
    yield ":TRACe:POINts?", ofone(lambda unit, buffer: str(buffer.size))
    yield ":TRACe:POINts", _resize
    yield ":TRACe:DATA?", _data
    yield ":TRACe:MAKE", _make
    yield ":TRACe:DELete", one(_delete)
    yield ":TRACe:TRIGger", lambda unit, given: unit.measure(_buffer_name(given))
    yield ":TRACe:STATistics:CLEar", ofone(lambda unit, buffer: None)
    for name in ("AVERage", "MAXimum", "MINimum", "PK2Pk", "STDDev"):
        short = "".join(letter for letter in name if not letter.islower())
        yield (
            f":TRACe:STATistics:{name}?",
            ofone(lambda unit, buffer, short=short: scpi.reading(buffer.statistic(short))),
        )


def _resize(unit: "Keithley2450", given: Parameters) -> None:
    if not 1 <= len(given) <= 2:
        raise ScpiError(-108 if given else -109)
    unit.find(_buffer_name(given[1:])).resize(int(scpi.bounded(given[0], 1, _MOST_SIZE, 100_000)))


def _data(unit: "Keithley2450", given: Parameters) -> str:
    if len(given) < 2:
        raise ScpiError(-109)
    first, last = (int(scpi.number(text)) for text in given[:2])
    return unit.find(_buffer_name(given[2:])).data(first, last, elements_of(given[3:]))


def _make(unit: "Keithley2450", given: Parameters) -> None:
    if not 2 <= len(given) <= 3:
        raise ScpiError(-109 if len(given) < 2 else -108)
    name = string(given[0])
    if name in unit.buffers or not name.isidentifier():
        raise ScpiError(-224)
    for style in given[2:]:
        scpi.choice(style, ("COMPact", "STANdard", "FULL", "WRITable", "FULLWRITable"))
    unit.buffers[name] = Buffer(int(scpi.bounded(given[1], 10, _MOST_SIZE, 100_000)))


def _delete(unit: "Keithley2450", text: str) -> None:
    name = string(text)
    unit.find(name)
    if name in ("defbuffer1", "defbuffer2"):
        raise ScpiError(-224)
    del unit.buffers[name]


def triggers() -> Entries:
    """Trigger models."""
    yield ":INITiate[:IMMediate]", plain(lambda unit: unit.initiate())
    yield ":ABORt", plain(lambda unit: unit.abort())
    yield ":TRIGger:STATe?", plain(_state)
    yield ":TRIGger:LOAD", _load


def _state(unit: "Keithley2450") -> str:
    if unit.state == "EMPTY":
        return "EMPTY;EMPTY;0"
    block = sweep.MEASURING_BLOCK if unit.state == "RUNNING" else sweep.LAST_BLOCK
    return f"{unit.state};{unit.state};{block}"


def _load(unit: "Keithley2450", given: Parameters) -> None:
    if not given:
        raise ScpiError(-109)
    name = scpi.choice(string(given[0]), ("SIMPLELOOP", "EMPTY"))
    unit.prepare(sweep.simple_loop(given[1:]) if name == "SIMPLELOOP" else None)
