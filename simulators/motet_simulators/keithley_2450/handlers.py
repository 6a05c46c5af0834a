"""How commands of the simulated Model 2450 are written down: how many parameters, and what takes its time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from motet_simulators.keithley_2450 import scpi
from motet_simulators.keithley_2450.scpi import ScpiError, shown

if TYPE_CHECKING:
    from motet_simulators.keithley_2450 import Keithley2450

Parameters = tuple[str, ...]
LONG = {"VOLT": "VOLTage", "CURR": "CURRent", "RES": "RESistance"}


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing more is read until then (lab seconds); then `answer` gives the reply, if any."""

    until: float
    answer: Callable[[], str | None]


Handler = Callable[["Keithley2450", Parameters], "str | Wait | None"]
Entries = Iterator[tuple[str, Handler]]
"""Headers as the manual writes them, with `?` for queries."""


def plain(act: Callable[["Keithley2450"], "str | Wait | None"]) -> Handler:
    """For what takes no parameters."""

    def handler(unit: "Keithley2450", given: Parameters) -> "str | Wait | None":
        if given:
            raise ScpiError(-108)
        return act(unit)

    return handler


def one(act: Callable[["Keithley2450", str], None]) -> Handler:
    """For what takes one parameter."""

    def handler(unit: "Keithley2450", given: Parameters) -> None:
        if len(given) != 1:
            raise ScpiError(-108 if given else -109)
        act(unit, given[0])

    return handler


def asked(given: Parameters, value: float, low: float, high: float, default: float) -> str:
    """A number, or with MIN, MAX or DEF what it may be."""
    if len(given) > 1:
        raise ScpiError(-108)
    if given:
        word = scpi.choice(given[0], ("MINimum", "MAXimum", "DEFault"))
        return shown({"MIN": low, "MAX": high, "DEF": default}[word])
    return shown(value)
