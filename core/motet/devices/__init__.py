"""Devices: Ophyd objects with declared verbs, signals and limits. The base that every driver builds on."""

from motet.devices.device import Context, Device
from motet.devices.identity import Expected, Identity
from motet.devices.limits import Limit, Limits
from motet.devices.signals import Output, query_signal
from motet.devices.verbs import Verb, VerbSpec, units_of, verb, verbs_of
from motet.devices.verified import Verified

__all__ = [
    "Context",
    "Device",
    "Expected",
    "Identity",
    "Limit",
    "Limits",
    "Output",
    "Verb",
    "VerbSpec",
    "Verified",
    "query_signal",
    "units_of",
    "verb",
    "verbs_of",
]
