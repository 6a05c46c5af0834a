"""A campaign's limits, as a job brings them, at the devices of a station."""

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager

from motet.devices import Device, Limit, units_of
from motet.errors import ProcedureError
from motet.files.units import convert
from motet.model.values import Bound


@contextmanager
def limited(devices: Mapping[str, Device], limits: Mapping[str, tuple[Bound, Bound]]) -> Generator[None]:
    """While entered, the devices keep these limits too, by `device.quantity`, whoever asks for what.

    Those of devices that are at other stations are theirs. Raises ProcedureError for a quantity that a device does not
    have, or a bound in no unit of it.
    """
    of_device: dict[str, dict[str, Limit]] = {}
    for name, (low, high) in limits.items():
        key, _, quantity = name.partition(".")
        if key in devices:
            of_device.setdefault(key, {})[quantity] = _limit(name, devices[key], quantity, low, high)
    with ExitStack() as stack:
        for key, found in of_device.items():
            stack.enter_context(devices[key].limits.during(found))
        yield


def _limit(name: str, device: Device, quantity: str, low: Bound, high: Bound) -> Limit:
    units = units_of(verb.spec for verb in device.verbs.values())
    if quantity not in units:
        raise ProcedureError(f"limit of {name}: {device.name} has no such quantity; it has: {', '.join(units)}")
    unit = units[quantity]
    try:
        return Limit(convert(low, unit), convert(high, unit), unit)
    except ValueError as error:
        raise ProcedureError(f"limit of {name}: {error}") from None
