"""Plugins with options in one line."""

from typing import Any

import pytest

from motet.files.inline import WANTED, plugin, scalar, split


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("rf", "rf", {}),
        (" rf ( trees = 20 ) ", "rf", {"trees": 20}),
        ("rf()", "rf", {}),
        ("a(x=1, y=-2.5e-3, z=true, w=word,)", "a", {"x": 1, "y": -0.0025, "z": True, "w": "word"}),
        ("a(x=[1, 2], y=[])", "a", {"x": [1, 2], "y": []}),
        ("c(members=[gp, rf(trees=5)])", "c", {"members": ["gp", {"rf": {"trees": 5}}]}),
        ("e(of=lcb(kappa=2), p=0.1)", "e", {"of": {"lcb": {"kappa": 2}}, "p": 0.1}),
        ("s(name=sklearn.linear_model.Ridge)", "s", {"name": "sklearn.linear_model.Ridge"}),
        ("s(name='a, (b]', other=\"1\")", "s", {"name": "a, (b]", "other": "1"}),
        ("s(x=null)", "s", {"x": None}),
    ],
)
def test_what_is_written_is_what_is_meant(text: str, name: str, options: dict[str, Any]) -> None:
    found = plugin(text)
    assert (found.name, found.options) == (name, options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", WANTED),
        ("two words", WANTED),
        ("(x=1)", WANTED),
        ("rf(trees)", "option=value is needed in the brackets"),
        ("rf(trees=5", "a comma or ')' is needed before 'the end'"),
        ("rf(trees=)", "a value is needed before ')'"),
        ("rf(a=1, a=2)", "the option a is there twice"),
        ("rf(a=[1, 2)", "a comma or ']' is needed before ')'"),
        ("rf(a=1))", "')' is too much"),
        ("rf(a='open)", '"\'open)" cannot be read'),
        ("rf[1]", "'[' is too much"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        plugin(text)
    assert message in str(caught.value)


def test_separators_in_brackets_do_not_separate() -> None:
    assert split("a(x=[1+2], y=b(c+d)) + e+f", "+") == ["a(x=[1+2], y=b(c+d))", "e", "f"]
    assert split("gp+lcb(kappa=1,x=2), rf", ",") == ["gp+lcb(kappa=1,x=2)", "rf"]
    assert split("", "+") == [""]


def test_a_word_is_what_it_most_likely_means() -> None:
    assert [scalar(word) for word in ("2", "2.0", "1e3", "true", "word")] == [2, 2.0, 1000.0, True, "word"]
    assert isinstance(scalar("2"), int)
