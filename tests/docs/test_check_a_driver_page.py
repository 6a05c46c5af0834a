"""The guide to the conformance suite names what there is."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from motet.errors import PluginProblem
from motet_conformance import Case

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "check-a-driver.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_table_names_every_part_of_a_case() -> None:
    cells = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert named == {field.name for field in fields(Case)}


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_examples_can_be_imported(number: int) -> None:
    """As far as there is a driver of that name: a case is looked at when its class is made."""
    example = BLOCKS[number]
    code = compile(example, "example.py", "exec")
    if 'driver="my_pump"' in example:
        with pytest.raises(PluginProblem, match="no driver named 'my_pump'"):
            exec(code, {"__name__": "example"})  # noqa: S102 - our own page
    else:
        exec(code, {"__name__": "example"})  # noqa: S102 - our own page
