"""The spaces of the how-to guide are valid, and points of them can be drawn."""

import re
from pathlib import Path

import numpy as np
import pytest

from motet.files.candidates import Table, read_table
from motet.files.constraints_check import check_constraints
from motet.files.report import Report
from motet.files.source import parse
from motet.files.validate import validate
from motet.learning.encoding import Encoder
from motet.learning.pool import Pool
from motet.learning.sampling import Sampler
from motet.model.campaign import Campaign
from motet.model.space import Space

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "describe-a-search-space.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
REST = "campaign: c\nlab: lab.yaml\nobjectives: {y: {goal: maximize}}\nprocedure: p\nanalysis: a\n"


def space_of(text: str, folder: Path) -> Space:
    """The space that a piece of a campaign file describes. Fails when it has mistakes."""
    path, report = folder / "campaign.yaml", Report()
    path.write_text(REST + text)
    source = parse(path, report)
    checked = None if source is None else validate(Campaign, source.root, report)
    report.raise_if_any()
    assert checked is not None
    table: Table | None = None
    if checked.model.candidates is not None:
        (folder / checked.model.candidates).write_text("x,y\n20,80\n5,90\n0.5,1\n")
        table = read_table(folder / checked.model.candidates, checked.model.parameters, report)
        assert table is not None
    parameters = checked.model.parameters if table is None else table.parameters
    constraints = check_constraints(checked, parameters, (), table, report)
    report.raise_if_any()
    assert constraints == checked.model.constraints
    return Space(parameters, None if table is None else table.rows, constraints)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_spaces_of_the_guide_are_valid(number: int, tmp_path: Path) -> None:
    space = space_of(BLOCKS[number], tmp_path)
    points = space.listed()
    if points is None:
        points = Sampler(space).draw(64, np.random.default_rng(0))
    pool = Pool.of(points, Encoder(space))
    assert len(pool.points) > 1
    assert all(not space.problems(point) for point in pool.points)


def test_the_guide_has_an_example_of_every_kind() -> None:
    text = "".join(BLOCKS)
    assert len(BLOCKS) == 5
    for word in ("continuous", "stepped", "integer", "categorical", "fixed", "log", "descriptors", "candidates",
                 "sum", "linear", "nonzero", "forbidden"):  # fmt: skip
        assert re.search(rf"\b{word}\b", text), word
