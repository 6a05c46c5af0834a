"""Which parts of the suite an instrument has: what does not apply to it is not collected at all."""

from collections.abc import Callable
from typing import Any, TypeVar

from motet.simulation import Faults
from motet.simulation.faults import OwnKind
from motet_conformance.case import Case
from motet_conformance.rig import device_of, driver_of, options_of, simulator_of

F = TypeVar("F", bound=Callable[..., Any])
Applies = Callable[[Case], bool]
_MARK = "__motet_applies__"


def where(*conditions: Applies) -> Callable[[F], F]:
    """A test for cases of which all of these hold."""

    def mark(test: F) -> F:
        setattr(test, _MARK, conditions)
        return test

    return mark


def leave_out(tests: type, case: Case) -> None:
    """Take the tests that do not apply to the case out of its class; those that a class above it left out, and that
    apply here, come back."""
    marked = {name: test for cls in reversed(tests.__mro__) for name, test in vars(cls).items() if hasattr(test, _MARK)}
    for name, test in marked.items():
        if name not in vars(tests):
            setattr(tests, name, test if all(condition(case) for condition in getattr(test, _MARK)) else None)


def wired(case: Case) -> bool:
    """On a serial line or on MQTT."""
    return driver_of(case).transport in ("serial", "mqtt")


def serial(case: Case) -> bool:
    """On a serial line."""
    return driver_of(case).transport == "serial"


def addressed(case: Case) -> bool:
    """With an address on a bus."""
    return driver_of(case).address is not None


def faulty(case: Case) -> bool:
    """On a wire on which something can be made to go wrong."""
    return wired(case) and issubclass(simulator_of(case).options, Faults)


def long(case: Case) -> bool:
    """With something that takes long."""
    assert case.moving is None or case.at_rest is not None, "a case with `moving` needs `at_rest`"
    return case.moving is not None


def watched(case: Case) -> bool:
    """With something that takes long, nobody knows how long, on a serial line."""
    return serial(case) and long(case) and not case.foretold


def bounded(case: Case) -> bool:
    """With values that are beyond a limit."""
    return bool(case.beyond)


def drawn(case: Case) -> bool:
    """With calls at random."""
    return case.random is not None


def expects(option: str) -> Applies:
    """With an option that says who must answer."""
    return lambda case: wired(case) and option in driver_of(case).options.model_fields


def suffers(kind: OwnKind) -> Applies:
    """With a simulator to which this can happen while it does what takes long."""
    return lambda case: faulty(case) and long(case) and kind in case.own_faults


def numbered(case: Case) -> bool:
    """On a line, with a serial number that driver and simulator know of."""
    known = (driver_of(case).options.model_fields, simulator_of(case).options.model_fields)
    return serial(case) and all("serial_number" in fields for fields in known)


def with_units(case: Case) -> bool:
    """With an argument that has a unit."""
    specs = device_of(case).verbs_for(options_of(case)).values()
    return any(argument.type is float and argument.unit for spec in specs for argument in spec.arguments.values())
