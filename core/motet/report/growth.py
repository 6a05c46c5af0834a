"""How a Pareto front grew over a campaign."""

from motet.model.experiment import State
from motet.report.hypervolume import gains
from motet.report.material import Material
from motet.report.style import BLUE, Plot, axis, layout
from motet.report.text import with_unit

MOST = 4
"""Of more objectives the hypervolume takes too long."""


def growth(material: Material) -> Plot | None:
    """The hypervolume over the experiments, as a part of the box from the worst to the best values of those that count.

    None with one objective, with more than four, and where the values of an objective do not differ.
    """
    rows = [row for row in material.rows if row.state is State.DONE]
    counting = [(row, merits) for row in rows if (merits := material.wanted.merits(row.values)) is not None]
    if not counting or not 2 <= len(material.detail.objectives) <= MOST:
        return None
    columns = list(zip(*(merits for _, merits in counting), strict=True))
    sides = [(min(column), max(column)) for column in columns]
    if any(low == high for low, high in sides):
        return None
    scaled = [
        tuple((merit - low) / (high - low) for merit, (low, high) in zip(merits, sides, strict=True))
        for _, merits in counting
    ]
    grown = gains(scaled, (0.0,) * len(sides))
    step = {
        "type": "scatter",
        "mode": "lines",
        "x": [*(row.number for row, _ in counting), max(row.number for row in material.rows)],
        "y": [*grown, grown[-1]],
        "line": {"color": BLUE, "width": 2.5, "shape": "hv"},
        "hovertemplate": "experiment %{x}: %{y:.1%}<extra></extra>",
        "showlegend": False,
    }
    worst = [_worst(material, name, low) for name, (low, _) in zip(material.detail.objectives, sides, strict=True)]
    return Plot(
        "hypervolume",
        "Growth of the front",
        "Hypervolume that the front dominates, as a part of the box from the worst to the best value of each objective."
        f" The reference point is the worst: {', '.join(worst)}.",
        {
            "data": [step],
            "layout": layout(
                520 if len(sides) == 2 else 360,  # beside the front of two objectives
                xaxis=axis("experiment number"),
                yaxis=axis("hypervolume", tickformat=".0%", range=[0, 1.02]),
                showlegend=False,
            ),
        },
        wide=False,
    )


def _worst(material: Material, name: str, merit: float) -> str:
    objective = material.detail.objectives[name]
    if objective.goal == "target":
        return f"{name} {with_unit(-merit, objective.unit)} from its target"
    return f"{name} {with_unit(merit if objective.goal == 'maximize' else -merit, objective.unit)}"
