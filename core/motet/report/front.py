"""Several objectives: what no other experiment is better than."""

from collections.abc import Iterator, Sequence
from typing import Any

from motet.model.experiment import State
from motet.report.material import Material
from motet.report.style import BLUE, GREY, Plot, axis, hollow, layout
from motet.report.text import label, number, plotly
from motet.store import ExperimentRow

MOST = 4
"""Of more objectives the first ones are drawn."""
_FEW = 500


def front(material: Material) -> Plot | None:
    """Every two objectives against each other; None with one objective, or before an experiment has two of them."""
    names = _names(material)
    if not material.wanted.several or not any(_shown(material, (x, y)) for x, y, _, _ in _pairs(names)):
        return None
    figure = layout(520, showlegend=True)
    data: list[dict[str, Any]] = []
    for place, (x, y, column, line) in enumerate(_pairs(names), 1):
        mark = "" if place == 1 else str(place)
        grid = len(names) - 1
        figure[f"xaxis{mark}"] = axis(
            _label(material, x) if line == grid - 1 else "", anchor=f"y{mark}", domain=_part(column, grid)
        )
        figure[f"yaxis{mark}"] = axis(
            _label(material, y) if column == 0 else "", anchor=f"x{mark}", domain=_part(grid - 1 - line, grid)
        )
        at = {"xaxis": f"x{mark}", "yaxis": f"y{mark}", "showlegend": place == 1}
        data += [trace | at for trace in _traces(material, x, y, joined=len(names) == 2) if trace["x"]]
    more = f" The first {MOST} of {len(material.detail.objectives)} objectives." if _left_out(material) else ""
    return Plot(
        "front",
        "Pareto front",
        f"{len(material.front)} experiments that no other is at least as good as in every objective and better in one."
        f"{_not_drawn(material)}{more}",
        {"data": data, "layout": figure},
        wide=len(names) > 2,
    )


def _traces(material: Material, x: str, y: str, *, joined: bool) -> list[dict[str, Any]]:
    """Dominated experiments pale, those that break a constraint hollow, the front as a line where it is one."""
    front = sorted(material.front, key=lambda row: _value(material, x, row))
    apart = {row.id for row in (*material.front, *material.broken)}
    dominated = [row for row in _shown(material, (x, y)) if row.id not in apart]
    size = 8 if len(material.rows) < _FEW else 5
    # A corner lies where both neighbours are still dominated: on the worse side of the better one in x.
    line = {"color": BLUE, "width": 2, "shape": "vh" if _rises(material, x) else "hv"}
    return [
        _points(material, "dominated", dominated, x, y, {"color": GREY, "size": size, "opacity": 0.4}),
        _points(material, "breaks a constraint", _having(material, material.broken, (x, y)), x, y, hollow(size)),
        _points(material, "Pareto front", front, x, y, {"color": BLUE, "size": size + 1})
        | ({"mode": "lines+markers", "line": line} if joined else {}),
    ]


def _points(
    material: Material, name: str, rows: Sequence[ExperimentRow], x: str, y: str, marker: dict[str, Any]
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "legendgroup": name,
        "x": [_value(material, x, row) for row in rows],
        "y": [_value(material, y, row) for row in rows],
        "marker": marker,
        "hovertext": [material.hover(row) for row in rows],
        "hoverinfo": "text",
    }


def _pairs(names: Sequence[str]) -> Iterator[tuple[str, str, int, int]]:
    """Every two objectives, with the column and line of their panel."""
    for line, y in enumerate(names[1:]):
        for column, x in enumerate(names[: line + 1]):
            yield x, y, column, line


def _part(place: int, of: int) -> list[float]:
    gap = 0.06 if of > 1 else 0.0
    width = (1 + gap) / of
    return [place * width, place * width + width - gap]


def _names(material: Material) -> tuple[str, ...]:
    return tuple(material.detail.objectives)[:MOST]


def _left_out(material: Material) -> bool:
    return len(material.detail.objectives) > MOST


def _done(material: Material) -> list[ExperimentRow]:
    return [row for row in material.rows if row.state is State.DONE]


def _having(material: Material, rows: Sequence[ExperimentRow], names: Sequence[str]) -> list[ExperimentRow]:
    return [row for row in rows if all(name in row.values for name in names)]


def _shown(material: Material, names: Sequence[str]) -> list[ExperimentRow]:
    return _having(material, _done(material), names)


def _not_drawn(material: Material) -> str:
    missing = len(_done(material)) - len(_shown(material, tuple(material.detail.objectives)))
    return f" {missing} more lack a value of an objective." if missing else ""


def _value(material: Material, name: str, row: ExperimentRow) -> float:
    """What is drawn of an objective: the value, or how far it is from the target."""
    objective = material.detail.objectives[name]
    return -objective.merit(row.values[name]) if objective.goal == "target" else row.values[name]


def _rises(material: Material, name: str) -> bool:
    return material.detail.objectives[name].goal == "maximize"


def _label(material: Material, name: str) -> str:
    objective = material.detail.objectives[name]
    if objective.goal != "target":
        return material.objective_label(name)
    return plotly(label(f"distance of {name} from {number(objective.target)}", objective.unit))
