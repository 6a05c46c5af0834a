"""What the learner predicted beside what was measured."""

import math

from motet.report.material import Material
from motet.report.style import BLUE, GREY, Plot, axis, layout
from motet.report.text import number

LEAST = 5
"""Predictions needed before a calibration says anything."""


def calibration(material: Material) -> Plot | None:
    """Predicted mean and standard deviation against the measured value; None with fewer than 5
    predictions, and for classes."""
    name = material.objective
    if material.classes(name):
        return None
    rows: list[tuple[str, float, float, float]] = []
    for row, value in material.measured(name):
        mean, std = row.suggestion.mean, row.suggestion.std
        if mean is not None and math.isfinite(mean):
            rows.append((material.hover(row), value, mean, std or 0.0))
    if len(rows) < LEAST:
        return None
    errors = [(mean - value, std) for _, value, mean, std in rows]
    rmse = math.sqrt(sum(error**2 for error, _ in errors) / len(errors))
    inside = sum(abs(error) <= std for error, std in errors) / len(errors)
    low = min(min(value, mean) for _, value, mean, _ in rows)
    high = max(max(value, mean) for _, value, mean, _ in rows)
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": [value for _, value, _, _ in rows],
        "y": [mean for _, _, mean, _ in rows],
        "error_y": {
            "type": "data",
            "array": [std for *_, std in rows],
            "color": GREY,
            "thickness": 1,
            "width": 0,
        },
        "marker": {"color": BLUE, "size": 6, "opacity": 0.8},
        "hovertext": [hover for hover, *_ in rows],
        "hoverinfo": "text",
        "showlegend": False,
    }
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": [low, high],
        "y": [low, high],
        "line": {"color": GREY, "width": 1, "dash": "dash"},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    title = material.objective_label(name)
    return Plot(
        "calibration",
        "Prediction and measurement",
        f"Predicted mean ± standard deviation when the point was suggested. RMSE {number(rmse)};"
        f" {inside:.0%} of {len(rows)} measured values lie within one standard deviation"
        " (68% for a well calibrated Gaussian).",
        {
            "data": [line, points],
            "layout": layout(520, xaxis=axis(f"measured {title}"), yaxis=axis(f"predicted {title}"), showlegend=False),
        },
        wide=False,
    )
