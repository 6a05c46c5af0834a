"""The page of hooks is complete: every kind has its hook, every hook its kind and its documentation."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motet import hookspecs
from motet.contracts.declarations import Kind
from motet.plugins import Registry, hook_of, installed

HOOKS: dict[str, Callable[..., Any]] = {
    name: function for name, function in vars(hookspecs).items() if name.startswith("motet_")
}
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "plugins.md"


def test_every_kind_has_its_hook_and_every_hook_its_kind() -> None:
    assert sorted(hook_of(kind) for kind in Kind) == sorted(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_documented_and_says_how_its_things_are_made(name: str) -> None:
    text = inspect.getdoc(HOOKS[name]) or ""
    assert "make(" in text
    assert name in REFERENCE.read_text()


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_called_without_arguments(name: str) -> None:
    assert not inspect.signature(HOOKS[name]).parameters


@pytest.fixture(scope="module")
def builtin() -> Registry:
    return installed()


@pytest.mark.parametrize("kind", Kind)
def test_everything_that_comes_with_motet_has_a_line_of_doc(kind: Kind, builtin: Registry) -> None:
    own = [found.declaration for found in builtin.all(kind).values() if found.distribution == "motet"]
    assert own or kind is Kind.PROCEDURE
    assert [declaration.name for declaration in own if not declaration.doc] == []
    assert [declaration.name for declaration in own if not (declaration.options.__doc__ or "").strip()] == []
