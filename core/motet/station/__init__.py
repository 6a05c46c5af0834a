"""A station: a named set of devices with one Bluesky RunEngine; it works on one experiment at a time."""

from motet.station.local import LocalStation
from motet.station.station import Station

__all__ = ["LocalStation", "Station"]
