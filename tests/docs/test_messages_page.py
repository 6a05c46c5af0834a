"""The messages in the guide to what goes wrong are those of the code, word for word."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from motet import errors

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "when-something-goes-wrong.md").read_text()
TABLES = [block for block in PAGE.split("\n\n") if block.startswith("|")]
MESSAGES = [re.split(r"`", row)[1] for row in TABLES[1].splitlines()[2:]]


@cache
def _sources() -> list[str]:
    return [path.read_text() for path in (ROOT / "core" / "motet").rglob("*.py")]


def _is_said(piece: str) -> bool:
    """Whether a module says this, not only its docstrings."""
    for source in (source for source in _sources() if piece in source):
        nodes = list(ast.walk(ast.parse(source)))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        texts = [node for node in nodes if isinstance(node, ast.Constant) and id(node) not in docstrings]
        if any(isinstance(node.value, str) and piece in node.value for node in texts):
            return True
    return False


@pytest.mark.parametrize("message", MESSAGES)
def test_the_message_is_one_of_motets(message: str) -> None:
    pieces = [piece.strip(" :;") for piece in re.split(r"\.\.\.|; |: ", message)]
    for piece in filter(None, pieces):
        assert _is_said(piece), piece


def test_the_table_names_classes_of_errors() -> None:
    names = [name for row in TABLES[0].splitlines()[2:] for name in row.split("|")[1].split(",")]
    assert len(names) == 12
    for name in (name.strip() for name in names if name.strip() != "anything else"):
        assert issubclass(getattr(errors, name), errors.MotetError)
