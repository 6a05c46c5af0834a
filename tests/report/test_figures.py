"""What the figures show, and that plotly takes every one of them."""

from pathlib import Path
from typing import Any

import pytest
from plotly import graph_objects

from motet.model.events import CampaignState
from motet.report.material import Material
from motet.report.page import plots
from motet.report.style import Plot
from motet.report.tables import failures, station_use
from motet.store import Reader

X: dict[str, Any] = {"type": "continuous", "low": 0.0, "high": 1.0, "unit": "M"}
GRID: dict[str, Any] = {"type": "stepped", "low": 0.0, "high": 50.0, "step": 2.5, "unit": "mm"}
METAL: dict[str, Any] = {"type": "categorical", "choices": ["Pt", "Au", "<b>C</b>"]}
COUNT: dict[str, Any] = {"type": "integer", "low": 1, "high": 6, "unit": None}
FIXED: dict[str, Any] = {"type": "fixed", "value": 3.0, "unit": "V"}


def material(reader: Reader) -> Material:
    return Material(reader.campaign("twin_sdc"), tuple(reader.experiments("twin_sdc")))


def figures(reader: Reader) -> dict[str, Plot]:
    return {plot.name: plot for plot in plots(material(reader))}


def every(number: int) -> bool:
    return number > 0


SCENARIOS: list[dict[str, Any]] = [
    {},
    {"count": 0},
    {"count": 9, "fails": every},
    {"count": 3, "stations": ("one",), "parameters": {"x": X}},
    {"count": 130, "stations": tuple(f"s{i}" for i in range(64))},
    {"count": 20, "state": CampaignState.RUNNING, "under_way": True},
    {"count": 40, "parameters": {"metal": METAL, "n": COUNT}},
    {"count": 40, "parameters": {"x": X, "metal": METAL, "n": COUNT, "v": FIXED, "y": GRID}},
    {"count": 10, "parameters": {}},
    {"count": 30, "objectives": {"a": {"goal": "minimize"}, "b": {"goal": "target", "target": 0.1}}},
]


@pytest.mark.parametrize(
    "fields",
    SCENARIOS,
)
async def test_plotly_takes_every_figure(campaign: Any, fields: dict[str, Any]) -> None:
    for plot in figures(await campaign(**fields)).values():
        graph_objects.Figure(plot.figure, skip_invalid=False)


async def test_best_so_far_never_falls_and_ends_at_the_best(campaign: Any) -> None:
    reader = await campaign()
    _, best, failed = figures(reader)["progress-current"].figure["data"]
    assert best["y"] == sorted(best["y"])
    assert best["y"][-1] == material(reader).detail.summary.best.value  # pyright: ignore[reportOptionalMemberAccess]
    assert failed["x"] == [26, 53, 80, 107]


async def test_best_so_far_falls_when_the_goal_is_to_minimize(campaign: Any) -> None:
    reader = await campaign(objectives={"current": {"goal": "minimize", "unit": "mA"}})
    _, best, _ = figures(reader)["progress-current"].figure["data"]
    assert best["y"] == sorted(best["y"], reverse=True)


async def test_every_objective_has_its_progress(campaign: Any) -> None:
    reader = await campaign(count=10, objectives={"a": {"goal": "minimize"}, "b": {"goal": "maximize"}})
    assert {"progress-a", "progress-b"} <= set(figures(reader))


async def test_the_map_holds_each_value_in_its_cell_and_rings_the_best(campaign: Any) -> None:
    reader = await campaign()
    heatmap, order, failed, ring = figures(reader)["map"].figure["data"]
    assert len(heatmap["z"]) == len(heatmap["z"][0]) == 21
    rows = {str(row.number): row for row in reader.experiments("twin_sdc")}
    for x, y, number in zip(order["x"], order["y"], order["text"], strict=True):
        row = rows[number]
        assert (row.parameters["x"], row.parameters["y"]) == (x, y)
        assert heatmap["z"][round(y / 2.5)][round(x / 2.5)] == row.values["current"]
    assert len(order["text"]) == sum(value is not None for line in heatmap["z"] for value in line) > 80
    assert len(failed["x"]) == 4
    best = reader.campaign("twin_sdc").summary.best
    assert best is not None
    assert (ring["x"], ring["y"]) == ([best.parameters["x"]], [best.parameters["y"]])


async def test_axes_carry_units(campaign: Any) -> None:
    layout = figures(await campaign())["map"].figure["layout"]
    assert [layout[axis]["title"]["text"] for axis in ("xaxis", "yaxis")] == ["x (mm)", "y (mm)"]


async def test_with_one_parameter_values_are_drawn_against_it(campaign: Any) -> None:
    found = figures(await campaign(count=12, parameters={"x": X, "v": FIXED}))
    assert "map" not in found
    assert len(found["values"].figure["data"]) == 1


async def test_with_many_parameters_the_two_that_matter_are_mapped(campaign: Any) -> None:
    parameters = {"x": GRID, "y": GRID, "metal": METAL, "ph": X}  # the synthetic value depends on x and y
    found = figures(await campaign(count=300, parameters=parameters))
    layout = found["map"].figure["layout"]
    assert {layout[axis]["title"]["text"] for axis in ("xaxis", "yaxis")} == {"x (mm)", "y (mm)"}
    assert len(found["values"].figure["data"]) == 4


async def test_names_with_html_in_them_are_escaped_in_figures(campaign: Any) -> None:
    reader = await campaign(count=30, stations=("<i>a</i>", "b"), why="<img src=x>", parameters={"m": METAL})
    found = figures(reader)
    assert found["timeline"].figure["layout"]["yaxis"]["ticktext"] == ["&lt;i&gt;a&lt;/i&gt;", "b"]
    for plot in found.values():
        assert "<i>a" not in str(plot.figure)
        assert "<img" not in str(plot.figure)
        assert "<b>C</b>" not in str(plot.figure)


async def test_the_timeline_has_a_bar_for_each_attempt_where_it_was(campaign: Any) -> None:
    reader = await campaign()
    traces = figures(reader)["timeline"].figure["data"]
    attempts = [attempt for row in reader.experiments("twin_sdc") for attempt in row.attempts]
    bars = [
        (lane, start, length)
        for trace in traces
        if trace["type"] == "bar" and trace["name"] != "pending"
        for lane, start, length in zip(trace["y"], trace["base"], trace["x"], strict=True)
    ]
    expected = [(("sdc1", "sdc2").index(a.station), a.started_s, a.seconds) for a in attempts]
    assert sorted(bars) == sorted(expected)
    (pending,) = [trace for trace in traces if trace["name"] == "pending"]
    assert len(pending["x"]) == 110
    assert min(pending["x"]) > 0


async def test_an_attempt_under_way_reaches_to_the_last_moment_known(campaign: Any) -> None:
    reader = await campaign(count=20, state=CampaignState.RUNNING, under_way=True)
    traces = {trace["name"]: trace for trace in figures(reader)["timeline"].figure["data"]}
    under_way = traces["under way"]
    assert under_way["base"][0] + under_way["x"][0] == pytest.approx(material(reader).horizon)


async def test_calibration_needs_five_predictions(campaign: Any, tmp_path: Path) -> None:
    assert "calibration" not in figures(await campaign(count=6))
    assert "calibration" in figures(await campaign(count=20, state=CampaignState.STOPPED))


async def test_stations_use_adds_up_to_the_speed_up(campaign: Any) -> None:
    found = material(await campaign())
    assert sum(use.busy for use in station_use(found)) == pytest.approx(found.detail.summary.speed_up)


async def test_failures_list_what_was_tried_again_too(campaign: Any) -> None:
    rows = failures(material(await campaign()))
    assert [(row[0], row[5]) for row in rows] == [
        ("17", "tried again"),
        ("26", "failed"),
        ("52", "tried again"),
        ("53", "failed"),
        ("80", "failed"),
        ("87", "tried again"),
        ("107", "failed"),
    ]
    assert rows[0][6] == "no reply from the force sensor within 2 s"
