"""The tables of a report, as rows of text."""

from dataclasses import dataclass
from datetime import UTC, datetime

from motet.model.experiment import State
from motet.report.material import Material
from motet.report.text import NOTHING, duration, label, number, point, with_unit
from motet.report.timeline import stations
from motet.store import ExperimentRow
from motet.store.words import class_name, unit

MOST = 1000
"""The table of experiments shows the last so many."""
FEW = 12
"""So many experiments are named where a model failed."""


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
    open_ = summary.experiments - summary.done - summary.failed
    counts = [f"{summary.done} done", f"{summary.failed} failed", *([f"{open_} open"] if open_ else [])]
    count = len(stations(material))
    return [
        _standing(material),
        Tile("Experiments", str(summary.experiments), ", ".join(counts)),
        Tile("Wall time", duration(summary.wall_s), "first dispatch to last result"),
        Tile("Experiment time", duration(summary.busy_s), "sum over all attempts"),
        Tile("Speed-up", f"{summary.speed_up:.2f}", f"{count} station{'' if count == 1 else 's'}"),
    ]


def _standing(material: Material) -> Tile:
    """What the campaign came to: its best, its front, or what classes there are."""
    summary, best = material.detail.summary, material.detail.summary.best
    broken = f"{len(material.broken)} of {summary.done} break a constraint" if material.broken else ""
    if material.wanted.classes and summary.done:
        found = [f"{name} {count}" for name, count in summary.counts.items() if count]
        return Tile("Classes found", f"{len(found)} of {len(summary.counts)}", ", ".join(found))
    if material.wanted.several and summary.done:
        front = len(summary.front)
        return Tile("Pareto front", f"{front} experiment{'' if front == 1 else 's'}", broken)
    if best is None:
        return Tile("Best", NOTHING, broken or "nothing measured yet")
    value = with_unit(best.value, material.detail.objectives[best.objective].unit)
    where = f"#{best.number}: {point(best.parameters, material.units, material.varied)}"
    return Tile(f"Best {best.objective}", value, f"{where}; {broken}" if broken else where)


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


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table of experiments; `marks` are the names of its styles."""

    cells: tuple[str, ...]
    marks: str


def front(material: Material) -> tuple[list[str], list[Line]]:
    """The columns and rows of the front, the best by the first objective first; no rows with one objective."""
    heads = ["#", "station", *_parameters(material), *_values(material)]
    cells = [(str(row.number), row.station or NOTHING, *_numbers(material, row)) for row in material.front]
    return heads, [Line(found, "done") for found in cells]


def experiment_columns(material: Material) -> list[str]:
    """The heads of the table of experiments."""
    breaks = ["breaks"] if material.wanted.constraints else []
    return [
        "#",
        "state",
        "station",
        "start (s)",
        "time (s)",
        *_parameters(material),
        *_values(material),
        *breaks,
        "predicted",
        "score",
        "why",
    ]


def experiments(material: Material) -> list[Line]:
    """The last 1000 experiments, a cell for each column."""
    return [_line(material, row) for row in material.rows[-MOST:]]


def _line(material: Material, row: ExperimentRow) -> Line:
    suggestion = row.suggestion
    seconds = sum(attempt.seconds or 0.0 for attempt in row.attempts)
    predicted = NOTHING if suggestion.mean is None else f"{number(suggestion.mean)} ± {number(suggestion.std)}"
    broken = ", ".join(material.wanted.broken(row.values)) if row.state is State.DONE else ""
    marks = [row.state.value, *(["broken"] if broken else []), *(["problem"] if suggestion.problem else [])]
    cells = (
        str(row.number),
        row.state.value,
        row.station or NOTHING,
        NOTHING if row.started_s is None else f"{row.started_s:.2f}",
        f"{seconds:.2f}" if row.attempts else NOTHING,
        *_numbers(material, row),
        *([broken or NOTHING] if material.wanted.constraints else []),
        predicted,
        number(suggestion.score),
        suggestion.why,
    )
    return Line(cells, " ".join(marks))


def without_model(material: Material) -> list[tuple[str, str]]:
    """Why the learner went on without its model, and which experiments it chose so."""
    found: dict[str, list[int]] = {}
    for row in material.without_model:
        found.setdefault(row.suggestion.problem, []).append(row.number)
    return [(problem, _listed(numbers)) for problem, numbers in found.items()]


def _listed(numbers: list[int]) -> str:
    more = f" and {len(numbers) - FEW} more" if len(numbers) > FEW else ""
    return ", ".join(f"#{number}" for number in numbers[:FEW]) + more


def _parameters(material: Material) -> list[str]:
    return [label(name, material.units[name]) for name in material.varied]


def _values(material: Material) -> list[str]:
    return [label(name, unit(name, material.wanted)) for name in _measured(material)]


def _numbers(material: Material, row: ExperimentRow) -> list[str]:
    parameters = [number(row.parameters.get(name)) for name in material.varied]
    return parameters + [_number(material, name, row.values.get(name)) for name in _measured(material)]


def _number(material: Material, name: str, value: float | None) -> str:
    """Without its unit, which stands in the head."""
    found = None if value is None else class_name(name, value, material.wanted)
    return number(value) if found is None else found


def _measured(material: Material) -> list[str]:
    return [*material.detail.objectives, *material.wanted.others]


def moment(wall: float | None) -> str:
    """A wall-clock time, UTC, to the second."""
    return NOTHING if wall is None else datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
