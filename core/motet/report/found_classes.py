"""What an objective with classes came to."""

from motet.report.axes import tick
from motet.report.material import Material
from motet.report.style import Plot, axis, layout, shade


def found_classes(material: Material, objective: str) -> Plot | None:
    """How many of each class were found, by experiment number; None before there is one."""
    measured = material.measured(objective)
    if not measured:
        return None
    last = max(row.number for row in material.rows)
    data: list[dict[str, object]] = []
    for number, name in enumerate(material.classes(objective)):
        numbers = [row.number for row, value in measured if value == number]
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{tick(name)}: {len(numbers)}",
                "x": [0, *numbers, last],
                "y": [*range(len(numbers) + 1), len(numbers)],
                "line": {"color": shade(number), "width": 2.5, "shape": "hv"},
                "hovertemplate": f"{tick(name)}: %{{y}} by experiment %{{x}}<extra></extra>",
            }
        )
    return Plot(
        f"classes-{objective}",
        f"Classes of {objective}",
        "How many experiments found each class, by experiment number.",
        {
            "data": data,
            "layout": layout(
                360, xaxis=axis("experiment number"), yaxis=axis("experiments", rangemode="tozero"), showlegend=True
            ),
        },
    )
