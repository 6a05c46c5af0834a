"""Best so far and every value, against experiment number."""

from typing import Any

from motet.report.material import Material
from motet.report.style import BLUE, GREY, Plot, axis, cross, hollow, layout


def progress(material: Material, objective: str) -> Plot | None:
    """One objective over the campaign; None when nothing has ended yet.

    What breaks a constraint on outcomes is drawn hollow, and is never the best.
    """
    everything = material.measured(objective)
    uncounted = {row.id for row in material.broken}
    broken = [(row, value) for row, value in everything if row.id in uncounted]
    measured = [(row, value) for row, value in everything if row.id not in uncounted]
    if not everything and not material.failed:
        return None
    merit = material.detail.objectives[objective].merit
    values = [value for _, value in measured]
    best: list[float] = []
    for value in values:
        best.append(value if not best or merit(value) > merit(best[-1]) else best[-1])
    numbers = [row.number for row, _ in measured]
    drawn = [value for _, value in everything]
    low, high = min(drawn, default=0.0), max(drawn, default=0.0)
    floor = low - 0.06 * (high - low)
    last = max((row.number for row in material.rows), default=0)
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "measured",
            "x": numbers,
            "y": values,
            "marker": {"color": GREY, "size": 7 if len(values) < 500 else 4, "opacity": 0.75},
            "hovertext": [material.hover(row) for row, _ in measured],
            "hoverinfo": "text",
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": "best so far",
            "x": [*numbers, last] if numbers else [],
            "y": [*best, best[-1]] if best else [],
            "line": {"color": BLUE, "width": 2.5, "shape": "hv"},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": "failed",
            "x": [row.number for row in material.failed],
            "y": [floor] * len(material.failed),
            "marker": cross(),
            "hovertext": [material.hover(row) for row in material.failed],
            "hoverinfo": "text",
            "visible": True if material.failed else "legendonly",
            "showlegend": bool(material.failed),
        },
    ]
    if broken:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "breaks a constraint",
                "x": [row.number for row, _ in broken],
                "y": [value for _, value in broken],
                "marker": hollow(),
                "hovertext": [material.hover(row) for row, _ in broken],
                "hoverinfo": "text",
            }
        )
    return Plot(
        f"progress-{objective}",
        f"Progress: {material.goal(objective)}",
        "Every measured value and the best so far, by experiment number."
        + (" A cross marks a failed experiment, at the lower edge." if material.failed else ""),
        {
            "data": data,
            "layout": layout(
                360,
                xaxis=axis("experiment number"),
                yaxis=axis(material.objective_label(objective), showticklabels=bool(drawn)),
            ),
        },
        wide=not material.wanted.several,
    )
