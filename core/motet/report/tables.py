"""The tables of a report, as rows of text."""

from dataclasses import dataclass
from datetime import UTC, datetime

from motet.report.material import Material
from motet.report.text import NOTHING, duration, label, number, point, with_unit
from motet.report.timeline import stations

MOST = 1000
"""The table of experiments shows the last so many."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the summary."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class StationUse:
    """How busy a station was; `busy` in [0, 1] of the campaign's wall time."""

    station: str
    attempts: int
    time: str
    busy: float


def tiles(material: Material) -> list[Tile]:
    """The summary at the top of the page."""
    summary = material.detail.summary
    best = summary.best
    open_ = summary.experiments - summary.done - summary.failed
    counts = [f"{summary.done} done", f"{summary.failed} failed", *([f"{open_} open"] if open_ else [])]
    found = (
        Tile("Best", NOTHING, "nothing measured yet")
        if best is None
        else Tile(
            f"Best {best.objective}",
            with_unit(best.value, material.detail.objectives[best.objective].unit),
            f"#{best.number}: {point(best.parameters, material.units, material.varied)}",
        )
    )
    count = len(stations(material))
    return [
        found,
        Tile("Experiments", str(summary.experiments), ", ".join(counts)),
        Tile("Wall time", duration(summary.wall_s), "first dispatch to last result"),
        Tile("Experiment time", duration(summary.busy_s), "sum over all attempts"),
        Tile("Speed-up", f"{summary.speed_up:.2f}", f"{count} station{'' if count == 1 else 's'}"),
    ]


def station_use(material: Material) -> list[StationUse]:
    """Attempts and utilization of each station."""
    wall = material.detail.summary.wall_s
    used: list[StationUse] = []
    for station in stations(material):
        attempts = [a for row in material.rows for a in row.attempts if a.station == station]
        seconds = sum(attempt.seconds or 0.0 for attempt in attempts)
        used.append(StationUse(station, len(attempts), duration(seconds), seconds / wall if wall > 0 else 0.0))
    return used


def failures(material: Material) -> list[tuple[str, ...]]:
    """Every attempt that failed: number, attempt, station, when, point, what followed, reason."""
    found: list[tuple[str, ...]] = []
    for row in material.rows:
        where = point(row.parameters, material.units, material.varied)
        lost = [attempt for attempt in row.attempts if attempt.reason and attempt.number < len(row.attempts)]
        found += [
            (str(row.number), str(a.number), a.station, duration(a.ended_s), where, "tried again", a.reason)
            for a in lost
        ]
        if row in material.failed:
            last = str(len(row.attempts)) if row.attempts else NOTHING
            when = duration(row.ended_s)
            found.append((str(row.number), last, row.station or NOTHING, when, where, "failed", row.reason))
    return found


def experiment_columns(material: Material) -> list[str]:
    """The heads of the table of experiments."""
    values = [label(name, objective.unit) for name, objective in material.detail.objectives.items()]
    parameters = [label(name, material.units[name]) for name in material.varied]
    return [
        "#",
        "state",
        "station",
        "start (s)",
        "time (s)",
        *parameters,
        *values,
        "predicted",
        "score",
        "why",
    ]


def experiments(material: Material) -> list[tuple[str, ...]]:
    """The last 1000 experiments, a cell for each column."""
    rows: list[tuple[str, ...]] = []
    for row in material.rows[-MOST:]:
        suggestion = row.suggestion
        seconds = sum(attempt.seconds or 0.0 for attempt in row.attempts)
        predicted = NOTHING if suggestion.mean is None else f"{number(suggestion.mean)} ± {number(suggestion.std)}"
        rows.append(
            (
                str(row.number),
                row.state.value,
                row.station or NOTHING,
                NOTHING if row.started_s is None else f"{row.started_s:.2f}",
                f"{seconds:.2f}" if row.attempts else NOTHING,
                *(number(row.parameters.get(name)) for name in material.varied),
                *(number(row.values.get(name)) for name in material.detail.objectives),
                predicted,
                number(suggestion.score),
                suggestion.why,
            )
        )
    return rows


def moment(wall: float | None) -> str:
    """A wall-clock time, UTC, to the second."""
    return NOTHING if wall is None else datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
