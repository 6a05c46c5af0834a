"""The suite: all its parts."""

from motet_conformance.faults import FaultsPart
from motet_conformance.files import FilesPart
from motet_conformance.identity import IdentityPart
from motet_conformance.limits import LimitsPart
from motet_conformance.machine import MachinePart
from motet_conformance.reconnection import ReconnectionPart
from motet_conformance.sharing import SharingPart
from motet_conformance.stopping import StoppingPart
from motet_conformance.terminal import TerminalPart
from motet_conformance.traffic import TrafficPart
from motet_conformance.units import UnitsPart


class Conformance(
    IdentityPart,
    LimitsPart,
    FilesPart,
    UnitsPart,
    StoppingPart,
    FaultsPart,
    ReconnectionPart,
    SharingPart,
    TrafficPart,
    MachinePart,
    TerminalPart,
):
    """Derive from it, with a `case`: pytest finds the tests."""
