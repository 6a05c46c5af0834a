"""The stations over time: who worked on what, and where they waited."""

from collections.abc import Sequence
from typing import Any

from motet.model.experiment import State
from motet.report.material import Material
from motet.report.style import (
    AMBER,
    BAND,
    GREY,
    LIGHT,
    SCALE,
    SKY,
    VERMILION,
    Plot,
    axis,
    colorbar,
    layout,
    shade,
    shades,
)
from motet.report.text import duration, plotly, time_unit
from motet.store import Attempt, ExperimentRow

_STAGES = " Each stage of an experiment is a bar of its own, with the pattern of its stage."
_WAITS = " The line along the foot of a bar is time that its station waited for a shared device."

Bar = tuple[ExperimentRow, Attempt, float]
"""An attempt and its end, which is the last moment known while it runs."""

_SHAPES = ("", ".", "-", "|")
"""Patterns of the stages; the first one has none."""
_TALL, _LOW, _AROUND = 60, 22, 120
_TOP: dict[str, Any] = {"y": 1, "yanchor": "top", "lenmode": "pixels", "len": 160}


def _coloured(material: Material) -> str:
    if material.classes(material.objective):
        return "its class"
    return f"its value of {material.objective}" if material.wanted.several else "its value"


def stations(material: Material) -> list[str]:
    """The campaign's stations, then any other that an attempt ran at."""
    seen = [attempt.station for row in material.rows for attempt in row.attempts]
    return list(dict.fromkeys([*material.detail.stations, *seen]))


def timeline(material: Material) -> Plot | None:
    """A Gantt chart with a lane for each station; None before the first dispatch."""
    bars: list[Bar] = [
        (row, attempt, material.horizon if attempt.ended_s is None else attempt.ended_s)
        for row in material.rows
        for attempt in row.attempts
    ]
    if not bars:
        return None
    lanes = {station: lane for lane, station in enumerate(stations(material))}
    per, unit = time_unit(material.horizon)
    start = min(attempt.started_s for _, attempt, _ in bars)
    bands = [
        {
            "type": "rect",
            "layer": "below",
            "line": {"width": 0},
            "fillcolor": BAND,
            "x0": start / per,
            "x1": material.horizon / per,
            "y0": lane - 0.3,
            "y1": lane + 0.2,
        }
        for lane in lanes.values()
    ]
    height = _AROUND + len(lanes) * max(_LOW, _TALL - 2 * len(lanes))
    ticks = {"tickvals": list(lanes.values()), "ticktext": [plotly(station) for station in lanes]}
    end = material.horizon / per
    return Plot(
        "timeline",
        "Timeline of the stations",
        f"One bar for each attempt at an experiment, coloured by {_coloured(material)}; the empty band is idle time."
        " The thin line below a lane is pending time: from the suggestion to the dispatch at that station."
        f"{_STAGES if material.stages else ''}{_WAITS if material.waits else ''}",
        {
            "data": _traces(material, bars, lanes, per),
            "layout": layout(
                height,
                barmode="overlay",
                bargap=0,
                shapes=bands,
                xaxis=axis(f"time since the start ({unit})", range=[start / per - 0.01 * end, end * 1.01]),
                yaxis=axis("", range=[len(lanes) - 0.4, -0.6], showgrid=False, **ticks),
            ),
        },
    )


def _traces(material: Material, bars: Sequence[Bar], lanes: dict[str, int], per: float) -> list[dict[str, Any]]:
    value = {row.id: value for row, value in material.measured(material.objective)}
    under_way = [bar for bar in bars if bar[1].ended_s is None]
    good = [bar for bar in bars if bar[1].ended_s is not None and _succeeded(*bar[:2])]
    done = [bar for bar in good if bar[0].id in value]
    without = [bar for bar in good if bar[0].id not in value and bar[0].state is State.DONE]
    halfway = [bar for bar in good if bar[0].state is not State.DONE]
    settled = {id(bar) for bar in (*good, *under_way)}
    failed = [bar for bar in bars if id(bar) not in settled]
    classes = material.classes(material.objective)
    colors = [] if classes else [value[row.id] for row, _, _ in done]
    of_class = [(name, [bar for bar in done if value[bar[0].id] == number]) for number, name in enumerate(classes)]
    drawn = [
        # Shades instead of numbers: plotly.js 4.1 complains of every bar whose colour is a number.
        *([] if classes else _by_stage(material, done, shades(colors), lanes, per)),
        *(_bars(material, plotly(name), of, lanes, per, _filled(shade(i))) for i, (name, of) in enumerate(of_class)),
        _bars(material, plotly(f"no value of {material.objective}"), without, lanes, per, _filled(GREY)),
        _bars(material, "an earlier stage", halfway, lanes, per, _filled(GREY)),
        _bars(material, "failed or tried again", failed, lanes, per, _hatched(VERMILION, "x")),
        _bars(material, "under way", under_way, lanes, per, _hatched(GREY, "/")),
        _pending(material, lanes, per),
        _waits(material, lanes, per),
        _legend(material, colors),
    ]
    return [trace for trace in drawn if trace["y"]]


def _succeeded(row: ExperimentRow, attempt: Attempt) -> bool:
    """Whether an attempt did what it was to do: the last one of an experiment that is done, or an earlier stage."""
    if attempt.number == len(row.attempts) and row.state in (State.DONE, State.FAILED):
        return row.state is State.DONE
    return bool(attempt.stage) and not attempt.reason


def _by_stage(
    material: Material, bars: Sequence[Bar], colors: Sequence[str], lanes: dict[str, int], per: float
) -> list[dict[str, Any]]:
    """Bars of experiments that are done: a trace, and a pattern, for each stage."""
    traces: list[dict[str, Any]] = []
    for index, stage in enumerate(material.stages or ("",)):
        picked = [number for number, bar in enumerate(bars) if bar[1].stage == stage]
        filled = [colors[number] for number in picked]
        marker = _filled(filled)
        if filled and index > 0:
            # One colour for plotly.js, which takes a list of them for one where it wants a contrast; what is seen are
            # the colours behind the pattern.
            look = {"size": 8, "solidity": 0.15, "fillmode": "replace", "bgcolor": filled}
            light = {"fgcolor": LIGHT, "fgopacity": 0.5}
            marker = _filled(filled[0]) | {"pattern": {"shape": _SHAPES[index % len(_SHAPES)], **look, **light}}
        name = plotly(f"done: {stage}") if stage else "done"
        traces.append(_bars(material, name, [bars[number] for number in picked], lanes, per, marker))
    return traces


def _waits(material: Material, lanes: dict[str, int], per: float) -> dict[str, Any]:
    """Along the foot of the bars: when a station waited for a shared device."""
    waits = [wait for wait in material.waits if wait.station in lanes]
    return {
        "type": "bar",
        "orientation": "h",
        "name": "waiting for a shared device",
        "y": [lanes[wait.station] for wait in waits],
        "base": [wait.start_s / per for wait in waits],
        "x": [wait.seconds / per for wait in waits],
        "width": 0.1,
        "offset": 0.1,
        "marker": {"color": AMBER, "line": {"width": 0}},
        "hovertext": [f"waited {duration(wait.seconds)} for {plotly(wait.device)}" for wait in waits],
        "hoverinfo": "text",
    }


def _legend(material: Material, values: Sequence[float]) -> dict[str, Any]:
    """The colour bar of the shades: a trace without a point."""
    scale = {
        "color": values[:1],
        "cmin": min(values, default=0.0),
        "cmax": max(values, default=0.0),
        "colorscale": SCALE,
        "showscale": True,
        "colorbar": colorbar(material.objective_label(material.objective)) | _TOP,
    }
    nowhere: list[None] = [None] * len(values[:1])
    marks = {
        "type": "scatter",
        "mode": "markers",
        "name": "scale",
        "x": nowhere,
        "y": nowhere,
        "marker": scale,
    }
    return marks | {"showlegend": False, "hoverinfo": "skip"}


def _bars(
    material: Material,
    name: str,
    bars: Sequence[Bar],
    lanes: dict[str, int],
    per: float,
    marker: dict[str, Any],
) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": [lanes[attempt.station] for _, attempt, _ in bars],
        "base": [attempt.started_s / per for _, attempt, _ in bars],
        "x": [(end - attempt.started_s) / per for _, attempt, end in bars],
        "width": 0.5,
        "offset": -0.3,
        "marker": marker,
        "hovertext": [_hover(material, row, attempt) for row, attempt, _ in bars],
        "hoverinfo": "text",
    }


def _pending(material: Material, lanes: dict[str, int], per: float) -> dict[str, Any]:
    waited = [row for row in material.rows if row.attempts and row.attempts[0].started_s > row.planned_s]
    return {
        "type": "bar",
        "orientation": "h",
        "name": "pending",
        "y": [lanes[row.attempts[0].station] for row in waited],
        "base": [row.planned_s / per for row in waited],
        "x": [(row.attempts[0].started_s - row.planned_s) / per for row in waited],
        "width": 0.08,
        "offset": 0.26,
        "marker": {"color": SKY, "line": {"width": 0}},
        "hovertext": [
            f"<b>#{row.number}</b> pending {duration(row.attempts[0].started_s - row.planned_s)}" for row in waited
        ],
        "hoverinfo": "text",
    }


def _filled(color: str | list[str]) -> dict[str, Any]:
    return {"color": color, "line": {"width": 0}}


def _hatched(color: str, shape: str) -> dict[str, Any]:
    pattern = {"shape": shape, "size": 6, "solidity": 0.2, "fillmode": "overlay", "fgcolor": "#ffffff"}
    return {"color": color, "line": {"width": 0}, "pattern": pattern}


def _hover(material: Material, row: ExperimentRow, attempt: Attempt) -> str:
    stage = f" ({plotly(attempt.stage)})" if attempt.stage else ""
    lines = [material.hover(row), f"attempt {attempt.number}{stage} at {plotly(attempt.station)}"]
    lines.append(f"{duration(attempt.started_s)} to {duration(attempt.ended_s)} ({duration(attempt.seconds)})")
    if attempt.reason and (row.state is not State.FAILED or attempt.reason != row.reason):
        lines.append(f"<i>{plotly(attempt.reason[:200])}</i>")
    return "<br>".join(lines)
