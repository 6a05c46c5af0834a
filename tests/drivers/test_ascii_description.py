"""Mistakes in descriptions of instruments: every one is named with its key, in a file and in place."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from motet.devices import Device
from motet.errors import FileProblems
from motet.files.arithmetic import evaluate
from motet.files.described.check import RESERVED
from motet.files.described.source import load_described
from motet.files.templates import template
from motet_drivers import ascii as driver

EXAMPLES = Path(__file__).parents[2] / "examples" / "instruments"

MISTAKES = Path(__file__).parent / "ascii_mistakes"


def problems(path: Path) -> list[str]:
    """Every problem of a file, without the file's name and line."""
    with pytest.raises(FileProblems) as caught:
        load_described(path)
    return [f"{each.key}: found {each.found}; {each.allowed}" for each in caught.value.problems]


@pytest.mark.parametrize("kind", ["shape", "meaning", "simulation"])
def test_every_mistake_in_a_description_is_named_with_its_key(kind: str) -> None:
    path = MISTAKES / f"{kind}.yaml"
    found = problems(path)
    wanted = [line.partition("#! ")[2] for line in path.read_text().splitlines() if "#! " in line]
    missing = [each for each in wanted if not any(problem.startswith(each) for problem in found)]
    assert missing == [], "\n".join(found)
    assert [problem for problem in found if not any(problem.startswith(each) for each in wanted)] == []


def test_a_mistake_has_the_line_that_it_is_in(tmp_path: Path) -> None:
    path = tmp_path / "it.yaml"
    path.write_text('model: P1\nidentity: { query: "?", reply: "{model}" }\nsignals:\n  a: { query: A, reply: "b" }\n')
    with pytest.raises(
        FileProblems, match=r"it\.yaml:4: signals\.a\.reply: found 'b'; the place \{a\} is needed in it"
    ):
        load_described(path)


def test_mistakes_of_a_file_are_told_where_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "it.yaml"
    path.write_text("model: P1\n")
    with pytest.raises(ValidationError, match=r"it\.yaml:1: identity: found nothing; the key 'identity' is needed"):
        driver.Options(file=path)


def test_mistakes_in_place_are_told_by_key() -> None:
    described = {"model": "P1", "identity": {"query": "?", "reply": "{model}"}, "stop": ["X {x}"]}
    with pytest.raises(ValidationError, match=r"description\.stop\.0: found the place \{x\}"):
        driver.Options.model_validate({"description": described})


def test_no_signal_or_verb_can_hide_what_every_device_has() -> None:
    public = {name for name in dir(Device) if not name.startswith("_")}
    assert public <= RESERVED, sorted(public - RESERVED)


@pytest.mark.parametrize("name", ["conductivity_meter", "peristaltic_pump"])
def test_the_examples_are_right(name: str) -> None:
    described = load_described(EXAMPLES / f"{name}.yaml")
    options = driver.Options(file=EXAMPLES / f"{name}.yaml")
    assert driver.Ascii.verbs_for(options).keys() == described.verbs.keys()
    assert driver.Ascii.signals_for(options).keys() == described.signals.keys()
    assert all(spec.doc for spec in driver.Ascii.verbs_for(options).values())


@pytest.mark.parametrize(
    ("text", "value"),
    [("1 + 2 * 3", 7), ("-(a - 1) / 2", -1.5), ("max(a, 5, 1) + min(a, 5)", 9), ("abs(-a)", 4), ("+a", 4), (2.5, 2.5)],
)
def test_arithmetic_is_that_of_school(text: str | float, value: float) -> None:
    assert evaluate(text, {"a": 4.0}) == value


@pytest.mark.parametrize(
    "text",
    ["b", "1 / (a - 4)", "a.real", "a()", "open('x')", "a if a else a", "[a]", "True", "'x'", "2 ** 9", "a; a", "",
     "1e999", "1 < 2", "max()", "max(*a)"],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"`"):
        evaluate(text, {"a": 4.0})


@pytest.mark.parametrize("text", ["{", "{0}", "{a!r}", "{a.b}", "{a[0]}", "{a:>9}", "{a}{a}", "{a:{b}}", "{a:999999d}"])
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"place|format|expected|Single|nesting"):
        template(text)
