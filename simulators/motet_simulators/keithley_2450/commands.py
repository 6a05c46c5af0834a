"""What each command and query of the simulated Model 2450 does (Reference Manual, appendix B and section 6)."""

from functools import cache
from re import Pattern
from typing import TYPE_CHECKING

from motet_simulators.keithley_2450 import scpi, sweep
from motet_simulators.keithley_2450.handlers import LONG, Entries, Handler, Parameters, Wait, asked, one, plain
from motet_simulators.keithley_2450.measuring import buffers, sense, triggers
from motet_simulators.keithley_2450.scpi import ScpiError, header, string
from motet_simulators.keithley_2450.settings import MOST, RANGES, SETTINGS, Setting
from motet_simulators.keithley_2450.source import DEFAULT_LIMIT, LEAST_LIMIT, OTHER

if TYPE_CHECKING:
    from motet_simulators.keithley_2450 import Keithley2450

_MOST_BYTE = 255
_LIMITED = {"CURR": "I", "VOLT": "V"}


@cache
def command(name: str, query: bool) -> Handler:
    """What to do for a header. -113 for an unknown one, also for a query that can only be set and the other way."""
    for pattern, asks, handler in _table():
        if asks == query and pattern.fullmatch(name) is not None:
            return handler
    raise ScpiError(-113)


@cache
def _table() -> list[tuple[Pattern[str], bool, Handler]]:
    found = [*_common(), *_system(), *_source(), *sense(), *buffers(), *triggers(), *_settings()]
    return [(header(name.removesuffix("?")), name.endswith("?"), handler) for name, handler in found]


def _ignored(unit: "Keithley2450", given: Parameters) -> None:
    """For what shows or sounds at the instrument only."""


def _common() -> Entries:
    yield "*CLS", plain(lambda unit: unit.status.clear())
    yield "*RST", plain(lambda unit: unit.reset())
    yield (
        "*IDN?",
        plain(lambda unit: f"KEITHLEY INSTRUMENTS,MODEL 2450,{unit.options.serial_number},{unit.options.firmware}"),
    )
    yield "*LANG?", plain(lambda unit: unit.language)
    yield "*LANG", one(_language)
    yield "*OPC", plain(lambda unit: unit.operation_complete())
    yield "*OPC?", plain(lambda unit: Wait(unit.idle_at(), lambda: "1"))
    yield "*WAI", plain(lambda unit: Wait(unit.idle_at(), lambda: None))
    yield "*TST?", plain(lambda unit: "0")
    yield "*TRG", plain(lambda unit: None)
    yield "*ESR?", plain(lambda unit: str(unit.status.take_events()))
    yield "*STB?", plain(lambda unit: str(unit.status.byte))
    yield "*ESE?", plain(lambda unit: str(unit.status.enabled_events))
    yield "*SRE?", plain(lambda unit: str(unit.status.enabled_requests))
    yield "*ESE", one(lambda unit, text: setattr(unit.status, "enabled_events", _register(text)))
    yield "*SRE", one(lambda unit, text: setattr(unit.status, "enabled_requests", _register(text)))


def _register(text: str) -> int:
    return int(scpi.bounded(text, 0, _MOST_BYTE, 0))


def _language(unit: "Keithley2450", text: str) -> None:
    """Kept, as on the instrument, until the power is switched off and on again."""
    unit.language = scpi.choice(text, ("SCPI", "TSP", "SCPI2400"))


def _system() -> Entries:
    for name in (":SYSTem:ERRor[:NEXT]?", ":SYSTem:EVENtlog:NEXT?"):
        yield name, plain(lambda unit: unit.status.take())
    yield ":SYSTem:ERRor:CODE[:NEXT]?", plain(lambda unit: unit.status.take().partition(",")[0])
    yield ":SYSTem:ERRor:COUNt?", plain(lambda unit: str(unit.status.count))
    yield ":SYSTem:EVENtlog:COUNt?", lambda unit, given: str(unit.status.count)
    yield ":SYSTem:CLEar", plain(lambda unit: unit.status.clear_errors())
    yield ":SYSTem:VERSion?", plain(lambda unit: "1996.0")
    yield ":SYSTem:LFRequency?", plain(lambda unit: str(unit.options.line_frequency))
    yield ":SYSTem:BEEPer[:IMMediate]", _ignored
    yield ":DISPlay:SCReen", _ignored
    yield ":DISPlay:CLEar", _ignored
    for line in ("1", "2"):
        yield f":DISPlay:USER{line}:TEXT[:DATA]", one(lambda unit, text, line=line: _show(unit, line, text))
    yield ":STATus:PRESet", plain(lambda unit: None)
    yield ":STATus:CLEar", plain(lambda unit: unit.status.clear())
    for registers in ("OPERation", "QUEStionable"):
        yield f":STATus:{registers}[:EVENt]?", plain(lambda unit: "0")
        yield f":STATus:{registers}:CONDition?", plain(lambda unit: "0")
    yield ":ROUTe:TERMinals?", plain(lambda unit: unit.terminals)
    yield ":ROUTe:TERMinals", one(_terminals)


def _show(unit: "Keithley2450", line: str, text: str) -> None:
    unit.texts[line] = string(text)


def _terminals(unit: "Keithley2450", text: str) -> None:
    unit.terminals = scpi.choice(text, ("FRONt", "REAR"))
    unit.source.output = False


def _source() -> Entries:
    yield ":SOURce[1]:FUNCtion[:MODE]?", plain(lambda unit: unit.source.function)
    yield (
        ":SOURce[1]:FUNCtion[:MODE]",
        one(lambda unit, text: unit.source.select(scpi.choice(text, (LONG["VOLT"], LONG["CURR"])))),
    )
    yield ":OUTPut[1][:STATe]?", plain(lambda unit: str(int(unit.source.output)))
    yield ":OUTPut[1][:STATe]", one(lambda unit, text: setattr(unit.source, "output", scpi.boolean(text)))
    yield ":OUTPut[1]:SMODe", one(_off_state)
    yield ":OUTPut[1]:INTerlock:TRIPped?", plain(lambda unit: "1")
    for short in ("VOLT", "CURR"):
        yield from _source_of(short)


def _off_state(unit: "Keithley2450", text: str) -> None:
    for short in ("VOLT", "CURR"):
        setting = next(found for found in SETTINGS if found.name == f"{short}:SMOD")
        unit.settings[setting.name] = setting.read(text)


def _source_of(short: str) -> Entries:
    root, limited, most = f":SOURce[1]:{LONG[short]}", OTHER[short], MOST[short]
    level, limit = f"{root}[:LEVel][:IMMediate][:AMPLitude]", f"{root}:{_LIMITED[limited]}LIMit[:LEVel]"
    least = LEAST_LIMIT[limited]
    yield level, one(lambda unit, text: unit.source.set_level(short, scpi.bounded(text, -most, most, 0)))
    yield f"{level}?", lambda unit, given: asked(given, unit.source.levels[short], -most, most, 0)
    yield limit, one(lambda unit, text: unit.source.set_limit(limited, _limit(text, limited)))
    yield (
        f"{limit}?",
        lambda unit, given: asked(given, unit.source.limits[limited], least, MOST[limited], DEFAULT_LIMIT[limited]),
    )
    yield (
        f"{limit}:TRIPped?",
        plain(lambda unit: str(int(unit.source.output and unit.source.function == short and unit.point().limited))),
    )
    yield f"{root}:RANGe", one(lambda unit, text: _source_range(unit, short, text))
    yield (
        f"{root}:RANGe?",
        lambda unit, given: asked(
            given, unit.source.range(short), RANGES[short][0], RANGES[short][-1], RANGES[short][0]
        ),
    )
    if short == "VOLT":
        yield (
            f"{root}:PROTection[:LEVel]:TRIPped?",
            plain(lambda unit: str(int(unit.source.output and abs(unit.point().voltage) >= unit.source.protection))),
        )
    yield f":SOURce[1]:SWEep:{LONG[short]}:LINear", lambda unit, given: unit.prepare(sweep.linear(short, given))
    yield (
        f":SOURce[1]:SWEep:{LONG[short]}:LINear:STEP",
        lambda unit, given: unit.prepare(sweep.linear(short, given, by_step=True)),
    )


def _limit(text: str, limited: str) -> float:
    return scpi.bounded(text, -MOST[limited], MOST[limited], DEFAULT_LIMIT[limited])


def _source_range(unit: "Keithley2450", short: str, text: str) -> None:
    unit.source.set_range(short, scpi.bounded(text, -MOST[short], MOST[short], RANGES[short][0]))
    unit.settings[f"SOUR:{short}:AUTO"] = "0"


def _settings() -> Entries:
    for setting in SETTINGS:
        yield setting.header, one(lambda unit, text, setting=setting: _set(unit, setting, text))
        yield f"{setting.header}?", lambda unit, given, setting=setting: _get(unit, setting, given)


def _set(unit: "Keithley2450", setting: Setting, text: str) -> None:
    value = setting.read(text)
    unit.settings[setting.name] = value
    match setting.name.split(":"):
        case ["SOUR", short, "AUTO"]:
            if value == "1":
                unit.source.ranges.pop(short, None)
            else:
                unit.source.ranges[short] = unit.source.range(short)
        case ["SOUR", short, "DEL"]:
            unit.settings[f"SOUR:{short}:DEL:AUTO"] = "0"  # p. D-19
        case ["PROT"]:
            unit.source.protection = MOST["VOLT"] if value == "NONE" else float(value.removeprefix("PROT"))
        case _:
            return


def _get(unit: "Keithley2450", setting: Setting, given: Parameters) -> str:
    value = unit.settings[setting.name]
    if setting.low is None or setting.high is None:
        return value
    return asked(given, float(value), setting.low, setting.high, float(setting.default))
