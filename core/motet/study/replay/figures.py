"""The figures of a benchmark."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from motet.report.style import GREY, Plot, axis, layout
from motet.report.text import plotly
from motet.study.curves import POINTS, Band
from motet.study.lines import MOST_BANDS, band_traces, line_style, plain_numbers
from motet.study.replay.figures_of_merit import Curve
from motet.study.replay.figures_of_time import ROW, legend, seconds, speed_up
from motet.study.replay.judged import EF_AT, MOST_OF_IT
from motet.study.replay.random_choice import random_share
from motet.study.replay.summary import EntrySummary, ReplaySummary
from motet.study.statistics import Floats

MOST = 12
"""A figure shows so many learners, the best ones."""


def plots(summary: ReplaySummary) -> list[Plot]:
    """Every figure that this benchmark has something to show for."""
    best = [one for one in summary.entries if one.runs][:MOST]
    if not best:
        return []
    found = [_shares(summary, best), _enhancement(summary, best), _waits(summary, best), seconds(summary, best)]
    return [*found, *([speed_up(best)] if any(one.parallel for one in best) else [])]


def _shares(summary: ReplaySummary, best: Sequence[EntrySummary]) -> Plot:
    traces: list[dict[str, Any]] = []
    for place, one in enumerate(best):
        hover = f"<b>{plotly(one.entry.label)}</b><br>%{{x}} experiments: %{{y:.3~g}} %<extra></extra>"
        band, with_band = _band(one.shares), place < MOST_BANDS
        traces += band_traces(one.entry.label, band, 1.0, 0.01, line_style(place), hover, with_band)
    most = max(int(one.shares.x.size) for one in best)
    chance = random_share(summary.aim.points, most)[1:]
    traces.append(_by_chance(np.arange(1.0, most + 1), 100 * chance))
    figure = layout(
        440,
        xaxis=axis("experiments, the first points among them", rangemode="tozero"),
        yaxis=axis("share of the top set found (%)", range=[0, 103]),
        legend=legend(),
        margin={"l": 64, "r": 16, "t": 12, "b": 52},
        showlegend=True,
        **_level(100 * MOST_OF_IT, "80 %"),
    )
    caption = "The line is the mean over the runs, the band goes from 10 % to 90 % of them."
    caption += _only_first(summary, best)
    if not all(judged.complete for one in best for judged in one.runs):
        caption += " A line ends where the first run ended without the whole top set."
    return Plot("top-share", "Share of the top set found, Top%(i)", caption, {"data": traces, "layout": figure})


def _enhancement(summary: ReplaySummary, best: Sequence[EntrySummary]) -> Plot:
    traces: list[dict[str, Any]] = []
    for place, one in enumerate(best):
        curve = one.shares / random_share(summary.aim.points, int(one.shares.x.size))[1:]
        hover = f"<b>{plotly(one.entry.label)}</b><br>%{{x}} experiments: %{{y:.3~g}} x<extra></extra>"
        traces += band_traces(one.entry.label, _band(curve), 1.0, 1.0, line_style(place), hover, False)
    dotted = {"color": GREY, "width": 1.5, "dash": "dot"}
    across = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1, "y1": 1, "line": dotted}
    down = {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": EF_AT, "x1": EF_AT, "line": dotted}
    told = {"yref": "paper", "y": 1, "x": EF_AT, "xanchor": "left", "yanchor": "top", "showarrow": False}
    figure = layout(
        360,
        xaxis=axis("experiments", rangemode="tozero"),
        yaxis=axis("enhancement factor EF", rangemode="tozero"),
        legend=legend(),
        margin={"l": 64, "r": 16, "t": 12, "b": 52},
        showlegend=True,
        shapes=[across, down],
        annotations=[told | {"text": f"EF({EF_AT})", "font": {"size": 12}}],
    )
    caption = "How many times as many top points as random choice finds with as many experiments; means over the runs."
    title = "Enhancement over random choice, EF(i)"
    return Plot("enhancement", title, caption, {"data": traces, "layout": figure})


def _waits(summary: ReplaySummary, best: Sequence[EntrySummary]) -> Plot:
    traces: list[dict[str, Any]] = []
    for place, one in enumerate(best):
        colour = line_style(place)["color"]
        traces.append(
            {
                "type": "box",
                "name": plotly(one.entry.label),
                "x": [each for each in one.n80.each if each is not None],
                "orientation": "h",
                "boxpoints": "all",
                "jitter": 0.6,
                "pointpos": 0,
                "boxmean": True,
                "line": {"color": colour, "width": 1.5},
                "marker": {"color": colour, "size": 5, "opacity": 0.55},
                "fillcolor": "rgba(0,0,0,0)",
                "hoverinfo": "x+name",
            }
        )
    figure = layout(
        110 + ROW * len(best),
        xaxis=axis("experiments until 80 % of the top set were found", rangemode="tozero"),
        yaxis=axis("", autorange="reversed", ticks=""),
        margin={"l": 64, "r": 16, "t": 12, "b": 52},
        showlegend=False,
    )
    caption = "A point is one run; box and line are quartiles and median, dashed is the mean."
    caption += f" Random choice needs {summary.random_n80}."
    early = sum(len(one.runs) - one.n80.reached for one in best)
    if early:
        caption += f" Without {early} run{'' if early == 1 else 's'} that ended before."
    return Plot("n80", "Experiments to 80 % of the top set, N80", caption, {"data": traces, "layout": figure})


def _band(curve: Curve) -> Band:
    """A curve as it is drawn: its mean between its quantiles, at most so many points of it."""
    kept = _thin(curve.x.size)
    return Band(curve.x[kept], curve.low[kept], curve.mean[kept], curve.high[kept])


def _thin(size: int) -> Any:
    return np.unique(np.linspace(0, size - 1, min(size, POINTS)).round().astype(np.intp))


def _by_chance(x: Floats, y: Floats) -> dict[str, Any]:
    kept = _thin(x.size)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "random choice",
        "x": plain_numbers(x[kept], 1.0),
        "y": plain_numbers(y[kept], 1.0),
        "line": {"color": GREY, "width": 2, "dash": "dash"},
        "hovertemplate": "<b>random choice</b><br>%{x} experiments: %{y:.3~g} %<extra></extra>",
    }


def _level(value: float, text: str) -> dict[str, Any]:
    """A line across the figure at a value that matters."""
    dotted = {"color": GREY, "width": 1.5, "dash": "dot"}
    told = {"xref": "paper", "x": 1, "y": value, "xanchor": "right", "yanchor": "top", "showarrow": False, "text": text}
    return {
        "shapes": [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value, "line": dotted}],
        "annotations": [told | {"font": {"size": 12}}],
    }


def _only_first(summary: ReplaySummary, best: Sequence[EntrySummary]) -> str:
    text = f" Only the first {MOST_BANDS} show their band." if len(best) > MOST_BANDS else ""
    hidden = len([one for one in summary.entries if one.runs]) > len(best)
    return text + (f" Shown are the best {len(best)} learners." if hidden else "")
