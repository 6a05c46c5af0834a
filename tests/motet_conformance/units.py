"""Values in other units than the verb's arrive as what they are."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from motet.devices import VerbSpec
from motet.files.references import resolve
from motet.files.units import COMMON, convertible, rescale
from motet_conformance.agreement import differences
from motet_conformance.applies import where, with_units
from motet_conformance.base import Part
from motet_conformance.case import Call
from motet_conformance.rig import Rig, device_of, options_of


def others(unit: str) -> Iterator[str]:
    """Units that a person may write instead."""
    return (other for other in sorted(COMMON) if other not in ("", unit) and convertible(other, unit))


class UnitsPart(Part):
    """Units round trip."""

    def test_a_value_in_another_unit_is_the_same_value(self) -> None:
        """As a step of a procedure states it, to what the signals and the bytes say."""

        async def work(made: Rig) -> tuple[bytes, Mapping[str, Any]]:
            await made.device.connect()
            before = len(made.traffic.sent)
            for call in self.case.prepare:
                await made.do(_stated(call, made) if in_other_units else call)
            first = made.traffic.sent[before:]
            return first, made.truth()

        in_other_units = False
        plain = self.run(work)
        in_other_units = True
        stated = self.run(work)
        assert stated[0] == plain[0]
        assert not differences(stated[1], plain[1], self.case.tolerance)

    @where(with_units)
    def test_every_argument_takes_its_value_in_other_units(self) -> None:
        specs = device_of(self.case).verbs_for(options_of(self.case))
        assert sum(_round_trip(name, spec) for name, spec in specs.items())


def _stated(call: Call, made: Rig) -> Call:
    """The call with its numbers in another unit each, resolved as a procedure's are."""
    verb = made.device.verbs.get(call.verb)
    if verb is None:
        return call
    arguments = dict(call.arguments)
    for key, value in call.arguments.items():
        spec = verb.spec.arguments[key]
        other = next(others(spec.unit), None) if spec.unit and spec.type is float else None
        if other is not None:
            arguments[key] = round(resolve(f"{rescale(value, spec.unit, other)!r} {other}", {}, {}, spec.unit), 12)
    return Call(call.verb, arguments)


def _round_trip(name: str, spec: VerbSpec) -> int:
    """How many arguments with units there are."""
    units = 0
    for key, argument in spec.arguments.items():
        if argument.type is not float or not argument.unit:
            continue
        units += 1
        for other in others(argument.unit):
            for value in (0.5, 12.0, -3.25):
                text = f"{rescale(value, argument.unit, other)!r} {other}"
                found = resolve(text, {}, {}, argument.unit)
                assert found == pytest.approx(value, rel=1e-9, abs=1e-9), f"{name}.{key}: {text}"
    return units
