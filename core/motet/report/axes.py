"""Axes for parameters of every kind."""

import math
from collections.abc import Mapping
from typing import Any

from motet.report.material import Material
from motet.report.style import axis
from motet.report.text import plotly

MOST = 4000
"""A parameter with more values than this counts as continuous."""


def parameter_axis(material: Material, name: str, **more: Any) -> dict[str, Any]:
    """The axis of a parameter, over its whole extent."""
    title = material.parameter_label(name)
    if material.is_numeric(name):
        return axis(title, **_reach(material.parameter(name)), **more)
    choices = [tick(choice) for choice in material.parameter(name).get("choices", ())]
    category = {"type": "category", "categoryorder": "array", "categoryarray": choices}
    reach = {"range": [-0.5, len(choices) - 0.5]} if choices else {}
    return axis(title, **category, **reach, **more)


def _reach(parameter: Mapping[str, Any]) -> dict[str, Any]:
    """The whole extent of a parameter, so that what was not tried shows as well."""
    if "low" not in parameter:
        return {}
    low, high = parameter["low"], parameter["high"]
    if parameter.get("scale") == "log":
        ends = math.log10(low), math.log10(high)
        edge = 0.025 * (ends[1] - ends[0])
        return {"type": "log", "range": [ends[0] - edge, ends[1] + edge]}
    edge = {"stepped": parameter.get("step", 0) / 2, "integer": 0.5}.get(parameter["type"], 0.0)
    edge = max(edge, 0.025 * (high - low))
    return {"range": [low - edge, high + edge]}


def same_scale(material: Material, x: str, y: str) -> dict[str, Any]:
    """A map of two lengths (or any two of one unit and one extent) is drawn true to scale."""
    sides = [[material.parameter(name).get(key) for key in ("low", "high", "unit", "scale")] for name in (x, y)]
    alike = sides[0] == sides[1] and sides[0][0] is not None
    return {"scaleanchor": "x", "constrain": "domain"} if alike else {}


def grid_values(material: Material, name: str) -> list[Any]:
    """Every value of a parameter that has a countable few, else nothing."""
    parameter = material.parameter(name)
    match parameter.get("type"):
        case "stepped":
            low, step = parameter["low"], parameter["step"]
            count = round((parameter["high"] - low) / step) + 1
            return [low + i * step for i in range(count)] if count <= MOST else []
        case "integer":
            count = parameter["high"] - parameter["low"] + 1
            return list(range(parameter["low"], parameter["high"] + 1)) if count <= MOST else []
        case "categorical":
            return list(parameter.get("choices", ()))
        case _:
            return []


def tick(value: Any) -> Any:
    """A parameter's value as a coordinate; a category as escaped text."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else plotly(value)
