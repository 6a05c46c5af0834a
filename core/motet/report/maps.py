"""The measured values over the search space."""

from collections.abc import Sequence
from typing import Any

from motet.report.axes import grid_values, parameter_axis, same_scale, tick
from motet.report.influence import influence
from motet.report.material import Material
from motet.report.panels import against
from motet.report.style import DARK, GREY, LIGHT, SCALE, VERMILION, Plot, colorbar, cross, layout, ring, shade
from motet.store import ExperimentRow

_CELLS = 4000
"""A grid of more cells than this is drawn as points."""
_BRIGHT = 0.55
"""From here on, as a part of the scale, its colours want dark writing."""
_NUMBERED = 600
"""Order numbers are written into the cells of a grid of at most this size."""
_PANELS = 6
_FEW = 500
"""From here on points are drawn smaller."""
_BROKEN = {"symbol": "diamond-open", "size": 9, "color": GREY, "line": {"width": 1.5, "color": GREY}}


def maps(material: Material, objective: str) -> list[Plot]:
    """One parameter: its values; two: a map; more: a map of the two that matter most and a panel for each."""
    ended = bool(material.measured(objective) or material.failed)
    if not ended or not material.varied:
        return []
    if len(material.varied) == 1:
        return [against(material, objective, material.varied)]
    if len(material.varied) == 2:
        return [_map(material, objective, *material.varied)]
    first, second, *_ = order = influence(material, objective)
    return [_map(material, objective, first, second), against(material, objective, order[:_PANELS])]


def _map(material: Material, objective: str, x: str, y: str) -> Plot:
    columns, rows = grid_values(material, x), grid_values(material, y)
    if material.classes(objective):
        drawn, kind = _classes(material, objective, x, y), "point"
    elif columns and rows and len(columns) * len(rows) <= _CELLS:
        drawn, kind = _grid(material, objective, x, y, columns, rows), "cell"
    else:
        drawn, kind = _points(material, objective, x, y), "point"
    data: list[dict[str, Any]] = [
        *drawn["data"],
        _marks(material, material.failed, x, y, cross()),
        _marks(material, material.broken, x, y, _BROKEN),
        *_best(material, objective, x, y),
    ]
    several, classes = material.wanted.several, bool(material.classes(objective))
    return Plot(
        "map" if objective == material.objective else f"map-{objective}",
        f"Map of {objective}" if several or classes else "Map of what was measured",
        _caption(material, objective, kind, drawn["mode"] == "numbered"),
        {
            "data": [trace for trace in data if trace.get("x")],
            "layout": layout(
                520,
                xaxis=parameter_axis(material, x, showgrid=kind == "point", constrain="domain"),
                yaxis=parameter_axis(material, y, showgrid=kind == "point", **same_scale(material, x, y)),
                showlegend=classes,
            ),
        },
        wide=False,
    )


def _caption(material: Material, objective: str, kind: str, numbered: bool) -> str:
    if material.classes(objective):
        told = "Each point is coloured by its class."
    elif material.wanted.several:
        told = f"Each {kind} is coloured by its value; rings mark the Pareto front."
    else:
        told = f"Each {kind} is coloured by its value; the ring marks the best."
    told += " Numbers give the order of the experiments." if numbered else ""
    told += " A cross is a failed experiment." if material.failed else ""
    told += " A diamond marks what breaks a constraint." if material.broken else ""
    return told + ("" if len(material.varied) == 2 else " The two parameters that explain most of the variance.")


def _grid(
    material: Material, objective: str, x: str, y: str, columns: Sequence[Any], rows: Sequence[Any]
) -> dict[str, Any]:
    """A cell for each pair of values; one measured more than once shows its best."""
    merit = material.detail.objectives[objective].merit
    column = {_key(value): i for i, value in enumerate(columns)}
    line = {_key(value): i for i, value in enumerate(rows)}
    values: list[list[float | None]] = [[None] * len(columns) for _ in rows]
    numbers = [[""] * len(columns) for _ in rows]
    hovers = [[""] * len(columns) for _ in rows]
    for row, value in sorted(material.measured(objective), key=lambda found: merit(found[1])):
        i, j = line.get(_key(row.parameters[y])), column.get(_key(row.parameters[x]))
        if i is not None and j is not None:
            values[i][j], numbers[i][j], hovers[i][j] = value, str(row.number), material.hover(row)
    numbered = len(columns) * len(rows) <= _NUMBERED
    heatmap = {
        "type": "heatmap",
        "x": [tick(value) for value in columns],
        "y": [tick(value) for value in rows],
        "z": values,
        "hovertext": hovers,
        "hoverinfo": "text",
        "hoverongaps": False,
        "colorscale": SCALE,
        "xgap": 1,
        "ygap": 1,
        "colorbar": colorbar(material.objective_label(objective)),
    }
    traces = [heatmap, _order(heatmap, numbers)] if numbered else [heatmap]
    return {"data": traces, "mode": "numbered" if numbered else "plain"}


def _order(heatmap: dict[str, Any], numbers: list[list[str]]) -> dict[str, Any]:
    """The numbers of the experiments in their cells, dark on the bright end of the scale and light on the
    other."""
    cells = [
        (x, y, number, value)
        for y, line, values in zip(heatmap["y"], numbers, heatmap["z"], strict=True)
        for x, number, value in zip(heatmap["x"], line, values, strict=True)
        if value is not None
    ]
    low = min((value for *_, value in cells), default=0.0)
    high = max((value for *_, value in cells), default=0.0)
    bright = low + _BRIGHT * (high - low)
    return {
        "type": "scatter",
        "mode": "text",
        "x": [x for x, *_ in cells],
        "y": [y for _, y, *_ in cells],
        "text": [number for _, _, number, _ in cells],
        "textfont": {"size": 9, "color": [DARK if value > bright else LIGHT for *_, value in cells]},
        "hoverinfo": "skip",
    }


def _classes(material: Material, objective: str, x: str, y: str) -> dict[str, Any]:
    """A colour for each class."""
    measured = material.measured(objective)
    traces: list[dict[str, Any]] = []
    for number, name in enumerate(material.classes(objective)):
        rows = [row for row, value in measured if value == number]
        marker = {"color": shade(number), "size": 10 if len(measured) < _FEW else 6}
        traces.append(_marks(material, rows, x, y, marker) | {"name": tick(name), "showlegend": True})
    return {"data": traces, "mode": "plain"}


def _points(material: Material, objective: str, x: str, y: str) -> dict[str, Any]:
    measured = material.measured(objective)
    scatter = {
        "type": "scatter",
        "mode": "markers",
        "x": [tick(row.parameters[x]) for row, _ in measured],
        "y": [tick(row.parameters[y]) for row, _ in measured],
        "marker": {
            "color": [value for _, value in measured],
            "colorscale": SCALE,
            "size": 9 if len(measured) < _FEW else 5,
            "colorbar": colorbar(material.objective_label(objective)),
        },
        "hovertext": [material.hover(row) for row, _ in measured],
        "hoverinfo": "text",
    }
    return {"data": [scatter], "mode": "plain"}


def _best(material: Material, objective: str, x: str, y: str) -> list[dict[str, Any]]:
    """Rings: around the best, or around every experiment of the front."""
    if material.wanted.several:
        return [_marks(material, material.front, x, y, ring(9) | {"line": {"width": 1.2, "color": VERMILION}})]
    best = material.detail.summary.best
    rows = [row for row in material.rows if best is not None and row.id == best.experiment]
    return [_marks(material, rows, x, y, ring(24))]


def _marks(material: Material, rows: Sequence[ExperimentRow], x: str, y: str, marker: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [tick(row.parameters[x]) for row in rows],
        "y": [tick(row.parameters[y]) for row in rows],
        "marker": marker,
        "hovertext": [material.hover(row) for row in rows],
        "hoverinfo": "text",
        "showlegend": False,
    }


def _key(value: Any) -> Any:
    """Values of a stepped parameter differ in their last bits."""
    return round(value, 9) if isinstance(value, float) else value
