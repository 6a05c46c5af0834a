"""One suite for every driver and its simulator, those of other packages too.

    from motet_conformance import Call, Case, Conformance

    class TestMyPump(Conformance):
        case = Case(driver="my_pump", harmless=Call("read_volume"), ...)

pytest does the rest. See the guide "Check a driver".
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"motet_conformance.{module}"
        for module in (
            "agreement", "faults", "files", "garbage", "identity", "limits", "machine", "reconnection", "sharing",
            "stopping", "traffic", "units",
        )
    )
)  # fmt: skip

from motet_conformance.case import Call, Case  # noqa: E402
from motet_conformance.garbage import Survived, survives_garbage  # noqa: E402
from motet_conformance.rig import Rig, Setup, in_virtual_time, rig  # noqa: E402
from motet_conformance.suite import Conformance  # noqa: E402

__all__ = [
    "Call",
    "Case",
    "Conformance",
    "Rig",
    "Setup",
    "Survived",
    "in_virtual_time",
    "rig",
    "survives_garbage",
]
