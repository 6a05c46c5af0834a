"""The figures of a benchmark that are about time: of the learner, and of the lab with several workers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from motet.report.style import GREY, Plot, axis, layout
from motet.report.text import plotly
from motet.study.lines import line_style, plain, plain_numbers
from motet.study.replay.summary import EntrySummary, ReplaySummary
from motet.study.statistics import Floats

BINS = 60
"""Neighbouring times per ask are taken together to so many."""

ROW = 46
"""Height of a learner in a figure of boxes, in pixels."""


def legend() -> dict[str, Any]:
    """Beside the figure, in the order of the table."""
    return {"x": 1.01, "y": 1, "xanchor": "left", "yanchor": "top", "tracegroupgap": 0}


def seconds(summary: ReplaySummary, best: Sequence[EntrySummary]) -> Plot:
    """Time per ask against the number of experiments begun before."""
    traces: list[dict[str, Any]] = []
    for place, one in enumerate(best):
        x, y = _binned(summary.question.initial, one.speeds)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": plotly(one.entry.label),
                "x": plain_numbers(x, 1.0),
                "y": plain_numbers(y, 0.001),
                "line": {"width": 2, **line_style(place)},
                "hovertemplate": f"<b>{plotly(one.entry.label)}</b><br>%{{x}} before: %{{y:.3~g}} ms<extra></extra>",
            }
        )
    figure = layout(
        340,
        xaxis=axis("experiments begun before", rangemode="tozero"),
        yaxis=axis("time per ask (ms)", type="log", dtick="D2"),
        legend=legend(),
        margin={"l": 64, "r": 16, "t": 12, "b": 52},
        showlegend=True,
    )
    caption = "Telling of the last value, fitting and choosing: the median over the runs, while half of them go on."
    return Plot("seconds", "Time per ask", caption, {"data": traces, "layout": figure})


def speed_up(best: Sequence[EntrySummary]) -> Plot:
    """How many times as fast several workers are as one."""
    found = [(one, one.parallel, place) for place, one in enumerate(best) if one.parallel]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": plotly(one.entry.learner),
            "x": [plain(parallel.speed_up.mean or 0.0)],
            "y": [plotly(one.entry.learner)],
            "error_x": {"type": "data", "array": [plain(parallel.speed_up.error or 0.0)], "thickness": 1.5},
            "marker": {"size": 11, "color": line_style(place)["color"]},
            "hovertemplate": f"<b>{plotly(one.entry.learner)}</b><br>%{{x:.3~g}} x<extra></extra>",
        }
        for one, parallel, place in found
    ]
    workers = found[0][1].workers
    reach = max(workers, *((one.speed_up.mean or 0.0) + (one.speed_up.error or 0.0) for _, one, _ in found))
    dotted = {"color": GREY, "width": 1.5, "dash": "dot"}
    ideal = {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": workers, "x1": workers, "line": dotted}
    figure = layout(
        110 + ROW * len(found),
        xaxis=axis("makespan with one worker over that with all", range=[0, reach * 1.08]),
        yaxis=axis("", autorange="reversed", type="category", ticks=""),
        margin={"l": 64, "r": 16, "t": 12, "b": 52},
        showlegend=False,
        shapes=[ideal],
    )
    caption = f"Time to 80 % of the top set; bars are standard errors, the dotted line is {workers} times as fast."
    return Plot("speed-up", f"{workers} workers against one", caption, {"data": traces, "layout": figure})


def _binned(first: int, values: Floats) -> tuple[Floats, Floats]:
    """Medians of neighbours, at most so many that a line stays readable: the middle of each bin, and its median."""
    if not values.size:
        return values, values
    bins = np.array_split(values, min(BINS, values.size))
    ends = first + np.cumsum([part.size for part in bins])
    middles = [end - (part.size + 1) / 2 for end, part in zip(ends.tolist(), bins, strict=True)]
    return np.array(middles), np.array([float(np.median(part)) for part in bins])
