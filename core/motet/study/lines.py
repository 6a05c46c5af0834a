"""Lines with bands, as every figure of a study has them."""

import math
from collections.abc import Iterable
from typing import Any

from plotly import colors

from motet.report.style import BLUE, SKY, VERMILION
from motet.report.text import plotly
from motet.study.curves import Band
from motet.study.statistics import Floats

MOST_BANDS = 4
"""So many lines of a figure have their bands: more would hide one another."""

PALETTE = (BLUE, VERMILION, "#009e73", "#cc79a7", "#e69f00", SKY)
"""After Okabe and Ito, without their yellow and black; a second round of them is dotted."""


def band_traces(
    name: str, band: Band, per_x: float, per_y: float, style: dict[str, Any], hover: str, with_band: bool
) -> list[dict[str, Any]]:
    """The middle of a band as a line, over the band itself if that is wanted; `style` is of the line."""
    shared = {"type": "scatter", "mode": "lines", "x": plain_numbers(band.x, per_x), "legendgroup": name}
    edge = shared | {
        "showlegend": False,
        "hoverinfo": "skip",
        "line": {"width": 0, "shape": style.get("shape", "linear")},
    }
    fill = {"fill": "tonexty", "fillcolor": _faint(style["color"])}
    edges = [edge | {"y": plain_numbers(band.low, per_y)}, edge | fill | {"y": plain_numbers(band.high, per_y)}]
    median = shared | {
        "name": plotly(name),
        "y": plain_numbers(band.median, per_y),
        "line": {"width": 2.5, **style},
        "hovertemplate": hover,
    }
    return [*(edges if with_band else []), median]


def line_style(place: int) -> dict[str, Any]:
    """Colour and dashes of line number `place` of a figure."""
    round_, color = divmod(place, len(PALETTE))
    return {"color": PALETTE[color], "dash": "dot" if round_ else "solid"}


def _faint(color: str) -> str:
    red, green, blue = colors.hex_to_rgb(color)
    return f"rgba({red},{green},{blue},0.16)"


def plain_numbers(values: Floats, per: float) -> list[float | None]:
    """Five digits are enough for a line; nothing where there is no number."""
    return [plain(value / per) for value in _iterate(values)]


def _iterate(values: Floats) -> Iterable[float]:
    return values.tolist()


def plain(value: float) -> float | None:
    """A number for a figure, None where there is none."""
    return float(f"{value:.5g}") if math.isfinite(value) else None
