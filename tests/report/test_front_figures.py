"""What the report shows of several objectives, constraints on outcomes, missing values, failed models and notes."""

import itertools
import math
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from plotly import graph_objects

from motet.report import tables, write_report
from motet.report.hypervolume import gains
from motet.report.material import Material
from motet.report.page import plots
from motet.report.style import Plot
from motet.store import Reader

TWO = {"yield": {"goal": "maximize", "unit": "%"}, "cost": {"goal": "minimize"}}
THREE = {**TWO, "ph": {"goal": "target", "target": 7.0}}
X: dict[str, Any] = {"type": "continuous", "low": 0.0, "high": 1.0, "unit": None}
PRESSURE = {"pressure": {"at_most": 0.8, "unit": "bar"}}


def measured(number: int, point: Mapping[str, Any]) -> dict[str, float]:
    """A trade-off of x against y; every ninth experiment has no yield."""
    x, y = point["x"], point["y"]
    found = {"yield": x + 0.2 * y, "cost": x * x + (y - 0.5) ** 2, "ph": 5 + 4 * y, "pressure": y}
    return found if number % 9 else {"cost": found["cost"], "ph": found["ph"], "pressure": y}


def only_cost(number: int, point: Mapping[str, Any]) -> dict[str, float]:
    return {"cost": 1.0, "pressure": 0.0}


def constant(number: int, point: Mapping[str, Any]) -> dict[str, float]:
    return {"yield": 1.0, "cost": 2.0, "pressure": 0.0}


def as_pressure(number: int, point: Mapping[str, Any]) -> dict[str, float]:
    """The better, the more it breaks the constraint."""
    return {"yield": point["y"], "pressure": point["y"]}


def halves(number: int, point: Mapping[str, Any]) -> dict[str, float]:
    return {"phase": float(point["x"] > 0.3)}


def quarters(number: int, point: Mapping[str, Any]) -> dict[str, float]:
    """Classes by y alone, in no order that a number could follow."""
    return {"phase": (1.0, 0.0, 1.0, 2.0)[int(point["y"] * 4) % 4]}


def always(number: int) -> bool:
    return number > 0


def never(number: int) -> bool:
    return number < 0


def singular(number: int) -> str:
    return "<b>singular</b> matrix" if 4 < number < 20 else ""


def two_notes(number: int) -> dict[str, float]:
    return {"probability": number / 12, "<i>b</i>": 1.0} if number > 4 else {}


def two(**fields: Any) -> dict[str, Any]:
    common = {"count": 60, "parameters": {"x": X, "y": X}, "objectives": TWO, "constraints": PRESSURE}
    return {**common, "values": measured, **fields}


def material(reader: Reader) -> Material:
    return Material(reader.campaign("twin_sdc"), tuple(reader.experiments("twin_sdc")))


def figures(reader: Reader) -> dict[str, Plot]:
    return {plot.name: plot for plot in plots(material(reader))}


@pytest.mark.parametrize(
    "fields",
    [
        two(),
        two(objectives=THREE),
        two(objectives={**THREE, "pressure": {"goal": "minimize"}, "x": {"goal": "maximize"}}, constraints={}),
        two(count=0),
        two(count=1, values=only_cost),
        two(count=9, fails=always),
        two(values=constant),
        two(constraints={"pressure": {"at_least": 9.0}}),
        two(parameters={"x": X, "y": X, "metal": {"type": "categorical", "choices": ["Pt", "<b>Au</b>"]}}),
    ],
)
async def test_plotly_takes_every_figure_of_several_objectives(campaign: Any, fields: dict[str, Any]) -> None:
    reader = await campaign(**fields)
    for plot in figures(reader).values():
        graph_objects.Figure(plot.figure, skip_invalid=False)
    tables.tiles(material(reader))
    tables.experiments(material(reader))


async def test_the_front_is_a_line_over_pale_and_hollow_points(campaign: Any) -> None:
    reader = await campaign(**two())
    found = material(reader)
    dominated, broken, front = figures(reader)["front"].figure["data"]
    assert (front["mode"], front["line"]["shape"]) == ("lines+markers", "vh")
    assert front["x"] == sorted(front["x"])
    assert front["y"] == sorted(front["y"])  # who yields more costs more
    assert broken["marker"]["symbol"] == "circle-open"
    by_number = {row.number: row for row in found.rows}
    assert {by_number[n].values["yield"] for n in found.detail.summary.front} == set(front["x"])
    complete = [row for row in found.rows if len(row.values) == 4]
    assert len(dominated["x"]) + len(broken["x"]) + len(front["x"]) == len(complete)
    assert len(broken["x"]) == sum(row.values["pressure"] > 0.8 for row in complete) > 3
    assert "x = " in front["hovertext"][0]
    assert f"{60 - len(complete) - len(found.failed)} more lack a value" in figures(reader)["front"].caption


async def test_the_growth_never_falls_and_states_its_reference_point(campaign: Any) -> None:
    reader = await campaign(**two())
    plot = figures(reader)["hypervolume"]
    (step,) = plot.figure["data"]
    assert step["y"] == sorted(step["y"])
    assert 0 < step["y"][-1] < 1
    counting = [row.values for row in material(reader).rows if material(reader).wanted.merits(row.values) is not None]
    worst = min(values["yield"] for values in counting), max(values["cost"] for values in counting)
    assert f"yield {worst[0]:.4g} %, cost {worst[1]:.4g}." in plot.caption


async def test_three_objectives_are_drawn_two_by_two(campaign: Any) -> None:
    plot = figures(await campaign(**two(objectives=THREE)))["front"]
    pairs = {(trace["xaxis"], trace["yaxis"]) for trace in plot.figure["data"]}
    assert len(pairs) == 3
    titles = {axis["title"]["text"] for name, axis in plot.figure["layout"].items() if "axis" in name}
    assert titles == {"yield (%)", "cost", "distance of ph from 7", ""}
    assert all(trace["mode"] == "markers" for trace in plot.figure["data"])


async def test_each_objective_has_its_map_with_the_front_ringed(campaign: Any) -> None:
    reader = await campaign(**two())
    found = figures(reader)
    for name in ("map", "map-cost"):
        ring = found[name].figure["data"][-1]
        assert len(ring["x"]) == len(material(reader).front)
    assert found["map-cost"].title == "Map of cost"


async def test_what_lacks_the_first_objective_is_not_shown_as_failed(campaign: Any) -> None:
    reader = await campaign(**two(retries=never))
    traces = {trace["name"]: trace for trace in figures(reader)["timeline"].figure["data"]}
    without = [row for row in material(reader).rows if row.state == "done" and "yield" not in row.values]
    assert len(traces["no value of yield"]["x"]) == len(without) > 3
    assert len(traces["failed or tried again"]["x"]) == len(material(reader).failed)
    rows = {line.cells[0]: line.cells for line in tables.experiments(material(reader))}
    assert rows["9"][7] == "\u2013"


async def test_what_breaks_a_constraint_is_marked_and_never_the_best(campaign: Any) -> None:
    one = {"yield": {"goal": "maximize", "unit": "%"}}
    reader = await campaign(**two(objectives=one, values=as_pressure))
    found = material(reader)
    best = found.detail.summary.best
    assert best is not None
    assert best.value < max(value for _, value in found.measured("yield"))
    traces = {trace["name"]: trace for trace in figures(reader)["progress-yield"].figure["data"]}
    assert traces["best so far"]["y"][-1] == best.value
    assert len(traces["breaks a constraint"]["x"]) == len([row for row in found.broken if "yield" in row.values])
    assert "break a constraint" in tables.tiles(found)[0].note
    heads = tables.experiment_columns(found)
    lines = {line.cells[0]: line for line in tables.experiments(found)}
    broken = lines[str(found.broken[0].number)]
    assert broken.cells[heads.index("breaks")] == "pressure"
    assert "broken" in broken.marks.split()
    assert "pressure (bar)" in heads


async def test_nothing_counts_is_told(campaign: Any) -> None:
    one = {"yield": {"goal": "maximize", "unit": "%"}}
    reader = await campaign(**two(objectives=one, constraints={"pressure": {"at_least": 9.0}}, fails=never))
    (tile, *_) = tables.tiles(material(reader))
    assert (tile.name, tile.value, tile.note) == ("Best", "\u2013", "60 of 60 break a constraint")


async def test_a_model_that_failed_is_not_hidden(campaign: Any, tmp_path: Path) -> None:
    reader = await campaign(count=30, problem=singular)
    page = write_report(reader, "twin_sdc", tmp_path / "report.html").read_text()
    text = page[page.index("<main>") : page.index('id="figures"')]
    assert "The learner went on without its model" in text
    assert "#5, #6, #7, #8, #9, #10, #11, #12, #13, #14, #15, #16 and 3 more" in text
    assert "&lt;b&gt;singular&lt;/b&gt; matrix" in text
    lines = tables.experiments(material(reader))
    assert [line.cells[0] for line in lines if "problem" in line.marks.split()] == [str(n) for n in range(5, 20)]


async def test_what_stop_rules_noted_is_drawn_by_experiment(campaign: Any) -> None:
    reader = await campaign(count=12, notes=two_notes)
    found = [plot for plot in plots(material(reader)) if plot.name.startswith("note-")]
    assert [plot.title for plot in found] == ["Probability", "<i>b</i>"]
    (line,) = found[0].figure["data"]
    assert line["x"] == list(range(5, 13))
    assert line["y"] == pytest.approx([n / 12 for n in range(5, 13)])


async def test_classes_are_counted_coloured_and_named(campaign: Any) -> None:
    phase = {"phase": {"goal": "classify", "classes": ["FCC", "<i>BCC</i>", "HCP"]}}
    reader = await campaign(
        count=40,
        parameters={"x": X, "y": X},
        objectives=phase,
        values=halves,
    )
    found = figures(reader)
    assert "progress-phase" not in found
    counts = reader.campaign("twin_sdc").summary.counts
    assert [trace["name"] for trace in found["classes-phase"].figure["data"]] == [
        f"FCC: {counts['FCC']}",
        f"&lt;i&gt;BCC&lt;/i&gt;: {counts['<i>BCC</i>']}",
        "HCP: 0",
    ]
    drawn = {trace["name"]: trace for trace in found["map"].figure["data"] if "name" in trace}
    assert {name: len(trace["x"]) for name, trace in drawn.items()} == {
        "FCC": counts["FCC"],
        "&lt;i&gt;BCC&lt;/i&gt;": counts["<i>BCC</i>"],
    }
    assert len({trace["marker"]["color"] for trace in drawn.values()}) == 2
    assert {"FCC", "&lt;i&gt;BCC&lt;/i&gt;"} <= {trace["name"] for trace in found["timeline"].figure["data"]}
    assert tables.tiles(material(reader))[0].value == "2 of 3"
    cells = {line.cells[7] for line in tables.experiments(material(reader)) if line.cells[1] == "done"}
    assert cells == {"FCC", "<i>BCC</i>"}
    for plot in found.values():
        graph_objects.Figure(plot.figure, skip_invalid=False)


async def test_the_parameter_that_decides_the_class_comes_first(campaign: Any) -> None:
    from motet.report.influence import influence

    phase = {"phase": {"goal": "classify", "classes": ["a", "b", "c"]}}
    parameters = dict.fromkeys(("x", "y", "z"), X)
    reader = await campaign(count=150, parameters=parameters, objectives=phase, values=quarters)
    assert influence(material(reader), "phase")[0] == "y"


def test_gains_add_up_to_the_volume_counted_cell_by_cell() -> None:
    rng = random.Random(4)
    for objectives in (2, 3, 4):
        rows = [tuple(float(rng.randint(-1, 4)) for _ in range(objectives)) for _ in range(12)]
        found = gains(rows, (0.0,) * objectives)
        for count in range(1, len(rows) + 1):
            cells = itertools.product(range(4), repeat=objectives)
            inside = sum(
                any(all(v > c for v, c in zip(row, cell, strict=True)) for row in _above(rows[:count]))
                for cell in cells
            )
            assert math.isclose(found[count - 1], inside)
    assert gains([], (0.0, 0.0)) == []


def _above(rows: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Only what is better than the reference point in all objectives dominates a volume."""
    return [row for row in rows if min(row) > 0]
