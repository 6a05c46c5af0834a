"""The figures of a study."""

from collections.abc import Sequence
from typing import Any

from motet.report.style import GREY, Plot, axis, layout
from motet.report.text import label, number, plotly, time_unit, with_unit
from motet.study.curves import Band
from motet.study.lines import MOST_BANDS, PALETTE, band_traces, line_style, plain
from motet.study.parallel import Line, Parallel
from motet.study.summary import CombinationSummary, StudySummary

MOST = 12
"""A figure shows so many combinations, the best ones."""


def plots(summary: StudySummary) -> list[Plot]:
    """Every figure that this study has something to show for."""
    best = [one for one in summary.combinations if one.experiments][:MOST]
    found = [_by_experiments(summary, best), _by_time(summary, best)] if best else []
    return [*found, *([_parallel(summary, summary.parallel)] if summary.parallel else [])]


def _by_experiments(summary: StudySummary, best: Sequence[CombinationSummary]) -> Plot:
    bands = [(one, one.by_experiments, 1.0) for one in best]
    return _best_so_far(summary, "experiments", "the number of experiments", axis("experiments"), bands, "experiments")


def _by_time(summary: StudySummary, best: Sequence[CombinationSummary]) -> Plot:
    per, unit = time_unit(float(best[0].by_time.x[-1]))
    bands = [(one, one.by_time, per) for one in best]
    return _best_so_far(summary, "time", "lab time", axis(f"lab time ({unit})"), bands, unit)


def _best_so_far(
    summary: StudySummary,
    name: str,
    against: str,
    x_axis: dict[str, Any],
    bands: Sequence[tuple[CombinationSummary, Band, float]],
    unit: str,
) -> Plot:
    traces: list[dict[str, Any]] = []
    for place, (one, band, per) in enumerate(bands):
        hover = f"<b>{plotly(one.label)}</b><br>%{{x:.4~g}} {unit}: %{{y:.4~g}}<extra></extra>"
        style = {"shape": "hv", **line_style(place)}
        traces += band_traces(_short(one, summary), band, per, 1.0, style, hover, place < MOST_BANDS)
    figure = layout(
        440,
        xaxis=x_axis,
        yaxis=axis(plotly(f"best {_quantity(summary)} so far")),
        legend=_legend(summary),
        margin={"l": 64, "r": 16, "t": 12, "b": 52},
        showlegend=True,
        **_levels(summary),
    )
    caption = "The line is the median over the seeds, the band goes from 10 % to 90 % of them."
    if len(bands) > MOST_BANDS:
        caption += f" Only the first {MOST_BANDS} show their band."
    if len(summary.combinations) > len(bands):
        caption += f" Shown are the best {len(bands)} of {len(summary.combinations)} combinations."
    caption += " A campaign that has ended keeps its best."
    return Plot(f"best-{name}", f"Best so far against {against}", caption, {"data": traces, "layout": figure})


def _parallel(summary: StudySummary, found: Parallel) -> Plot:
    longest = max([float(line.pace.high[-1]) for line in found.lines] + [line.seconds for line in found.lines])
    per, unit = time_unit(longest)
    traces: list[dict[str, Any]] = []
    for place, line in enumerate(found.lines):
        name = _stations(line.stations)
        hover = f"<b>{name}</b><br>%{{x}} experiments: %{{y:.4~g}} {unit}<extra></extra>"
        traces += band_traces(name, line.pace, 1.0, per, line_style(place), hover, place < MOST_BANDS)
    traces += [_mark(line, place, per) for place, line in enumerate(found.lines)]
    fewest = _stations(found.lines[0].stations)
    where = "at the goal (medians over the trials)" if found.at_goal else "at the last number of experiments of all"
    others = ", ".join(f"{name}={value}" for name, value in found.others.items())
    caption = (
        "The line is the median over the seeds, the band goes from 10 % to 90 % of them; a line ends where fewer than"
        f" half of the campaigns go on. A mark is {where}; the number beside it is the lab time of {fewest} over"
        " that of this line."
    )
    figure = layout(
        440,
        xaxis=axis("experiments", rangemode="tozero"),
        yaxis=axis(f"lab time ({unit})", rangemode="tozero"),
    )
    title = f"Sequential and parallel: lab time against experiments{f' ({others})' if others else ''}"
    return Plot("parallel", title, caption, {"data": traces, "layout": figure})


def _mark(line: Line, place: int, per: float) -> dict[str, Any]:
    """The point at which the lines are compared, with the ratio beside it."""
    return {
        "type": "scatter",
        "mode": "markers+text",
        "showlegend": False,
        "legendgroup": _stations(line.stations),
        "x": [line.experiments],
        "y": [plain(line.seconds / per)],
        "text": [f"<b>{line.ratio:.2f} x</b>"],
        "textposition": "bottom right" if place % 2 else "top left",  # neighbours keep out of each other's way
        "textfont": {"size": 14},
        "cliponaxis": False,
        "marker": {"color": PALETTE[place % len(PALETTE)], "size": 11, "line": {"width": 1.5, "color": "#ffffff"}},
        "hovertemplate": f"<b>{_stations(line.stations)}</b><br>%{{x:.4~g}} experiments: %{{y:.4~g}}<extra></extra>",
    }


def _legend(summary: StudySummary) -> dict[str, Any]:
    """Beside the figure, in the order of the table; its title names what is varied."""
    title = {"text": plotly(", ".join(summary.question.varied)), "font": {"size": 13}}
    return {"title": title, "x": 1.01, "y": 1, "xanchor": "left", "yanchor": "top", "tracegroupgap": 0}


def _levels(summary: StudySummary) -> dict[str, Any]:
    """A line across the figure for each value that is aimed at."""
    aims = [one for one in summary.milestones if one.value is not None]
    dotted = {"color": GREY, "width": 1.5, "dash": "dot"}
    across = {"xref": "paper", "x0": 0, "x1": 1}
    return {
        "shapes": [{"type": "line", **across, "y0": aim.value, "y1": aim.value, "line": dotted} for aim in aims],
        "annotations": [
            {
                "xref": "paper",
                "x": 1,
                "y": aim.value,
                "xanchor": "right",
                "yanchor": "top" if summary.question.sign > 0 else "bottom",  # the curves end on the other side
                "showarrow": False,
                "text": plotly(f"{aim.short}: {with_unit(aim.value, summary.question.objective.unit)}"),
                "font": {"size": 12},
            }
            for aim in aims
        ],
    }


def _quantity(summary: StudySummary) -> str:
    question = summary.question
    near = f" from {number(question.objective.target)}" if question.objective.goal == "target" else ""
    name = f"distance of {question.objective_name}{near}" if near else question.objective_name
    return label(name, question.objective.unit)


def _short(one: CombinationSummary, summary: StudySummary) -> str:
    """The values alone: their names are the title of the legend."""
    return ", ".join(one.combination[name] for name in summary.question.varied) or one.label


def _stations(count: int) -> str:
    return f"{count} station{'' if count == 1 else 's'}"
