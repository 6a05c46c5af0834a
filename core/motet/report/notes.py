"""What stop rules noted of the model over a campaign."""

from motet.report.material import Material
from motet.report.style import BLUE, GREY, Plot, axis, layout
from motet.report.text import plotly

MOST = 6
"""Notes of so many names are drawn."""


def notes(material: Material) -> list[Plot]:
    """A small figure for each figure that stop rules wanted to know, by experiment number."""
    names = list(dict.fromkeys(name for row in material.rows for name in row.suggestion.notes))
    return [_note(material, name, number) for number, name in enumerate(names[:MOST])]


def _note(material: Material, name: str, number: int) -> Plot:
    rows = [row for row in material.rows if name in row.suggestion.notes]
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [row.number for row in rows],
        "y": [row.suggestion.notes[name] for row in rows],
        "line": {"color": GREY, "width": 1},
        "marker": {"color": BLUE, "size": 6 if len(rows) < 500 else 3},
        "hovertext": [f"<b>#{row.number}</b> {row.suggestion.notes[name]:.4g}" for row in rows],
        "hoverinfo": "text",
        "showlegend": False,
    }
    return Plot(
        f"note-{number}",
        name[:1].upper() + name[1:],
        "What a stop rule noted of the model when each experiment was suggested.",
        {
            "data": [line],
            "layout": layout(260, xaxis=axis("experiment number"), yaxis=axis(plotly("")), showlegend=False),
        },
        wide=False,
    )
