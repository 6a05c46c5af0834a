"""Described instruments as files: read, checked, and every mistake named with file, line and key."""

from functools import lru_cache
from pathlib import Path

from motet.files.described import Described
from motet.files.described.check import mistakes_in
from motet.files.report import Report
from motet.files.source import parse
from motet.files.validate import validate

_STAND_INS = {"model": "model", "identity": {"query": "?", "reply": "{model}"}}


def load_described(path: Path) -> Described:
    """The instrument that a file describes. Raises FileProblems with every mistake in it."""
    report = Report()
    found = check_described(path, report)
    if found is None or report.problems:
        report.fail()
    return found


def check_described(path: Path, report: Report) -> Described | None:
    """The instrument that a file describes, as far as it is right. Mistakes go to the report."""
    source = parse(path, report)
    checked = None if source is None else validate(Described, source.root, report, dict(_STAND_INS))
    if checked is None:
        return None
    for mistake in mistakes_in(checked.model):
        top = str(mistake.key[0])
        if top not in checked.stand_ins:
            report.add(checked.node.at(*mistake.key), mistake.found, mistake.allowed)
    return checked.model


def described_in(file: Path | None, description: Described | None) -> Described:
    """The instrument described in a file or in place. Raises ValueError that names every mistake, FileProblems too."""
    if (file is None) == (description is None):
        raise ValueError("either `file` (a description's path) or `description` (in place) is needed")
    if description is not None:
        found = mistakes_in(description)
        if found:
            raise ValueError("; ".join(f"description.{mistake}" for mistake in found))
        return description
    assert file is not None
    try:
        modified = file.stat().st_mtime_ns
    except OSError:
        modified = 0
    return _loaded(file, modified)


@lru_cache(maxsize=64)
def _loaded(file: Path, modified: int) -> Described:
    return load_described(file)
