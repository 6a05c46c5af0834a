"""The measured values against each parameter."""

from collections.abc import Sequence
from typing import Any

from motet.report.axes import parameter_axis, tick
from motet.report.material import Material
from motet.report.style import BLUE, Plot, axis, layout


def against(material: Material, objective: str, names: Sequence[str]) -> Plot:
    """An objective against each parameter, side by side, sharing their value axis."""
    width = 1 / len(names)
    gap = 0.02 if len(names) > 1 else 0.0
    data: list[dict[str, Any]] = []
    figure = layout(380, showlegend=False)
    classes = material.classes(objective)
    measured = material.measured(objective)
    for i, name in enumerate(names, 1):
        number = "" if i == 1 else str(i)
        figure[f"xaxis{number}"] = parameter_axis(
            material, name, domain=[(i - 1) * width + gap / 2, i * width - gap / 2]
        )
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "xaxis": f"x{number}",
                "yaxis": "y",
                "x": [tick(row.parameters[name]) for row, _ in measured],
                "y": [tick(classes[int(value)]) if classes else value for _, value in measured],
                "marker": {"color": BLUE, "size": 7 if len(measured) < 500 else 4, "opacity": 0.6},
                "hovertext": [material.hover(row) for row, _ in measured],
                "hoverinfo": "text",
            }
        )
    figure["yaxis"] = axis(material.objective_label(objective), **_category(classes))
    several = "The most influential parameters first." if len(names) > 1 else ""
    alone = not material.wanted.several
    return Plot(
        "values" if objective == material.objective else f"values-{objective}",
        ("Values" if alone else f"{objective}") + " against the parameters"
        if several
        else f"{objective} against {names[0]}",
        f"Every measured value. {several}".strip(),
        {"data": data, "layout": figure},
        wide=True,
    )


def _category(classes: Sequence[str]) -> dict[str, Any]:
    """What an axis of classes has besides."""
    names = [tick(name) for name in classes]
    return {"type": "category", "categoryorder": "array", "categoryarray": names} if classes else {}
