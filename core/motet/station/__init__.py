"""A station: a named set of devices with one Bluesky RunEngine; it works on one experiment at a time."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motet.station.local import LocalStation
    from motet.station.station import Station

__all__ = ["LocalStation", "Station"]

_HOMES = {"LocalStation": "motet.station.local", "Station": "motet.station.station"}


def __getattr__(name: str) -> Any:
    """Imported when it is asked for: `motet estop` must not wait for Bluesky, which it does not need."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
