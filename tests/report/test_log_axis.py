"""Parameters on a log scale are drawn on one."""

from typing import Any

import pytest

from motet.report.axes import parameter_axis, same_scale
from motet.report.material import Material

LOG = {"type": "continuous", "low": 1e-6, "high": 1e-2, "unit": "mol", "scale": "log"}


async def test_the_axis_of_a_log_parameter_reaches_over_its_decades(campaign: Any) -> None:
    parameters = {"c": LOG, "d": {**LOG, "scale": "linear"}, "e": LOG}
    reader = await campaign(count=0, parameters=parameters)
    material = Material(reader.campaign("twin_sdc"), ())

    assert parameter_axis(material, "c")["type"] == "log"
    assert parameter_axis(material, "c")["range"] == pytest.approx([-6.1, -1.9])
    assert "type" not in parameter_axis(material, "d")
    assert same_scale(material, "c", "e") != {}
    assert same_scale(material, "c", "d") == {}
