"""Learners by a name in one line, or by a file: what `motet benchmark` is told to compare."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from motet.errors import FileProblems, Problem
from motet.files.inline import WANTED, plugin, scalar, split
from motet.files.report import Report, one_of
from motet.files.source import read
from motet.files.validate import validate
from motet.model.campaign import LearnerConfig

_IN_ORDER = ("surrogate", "acquisition", "pending")
"""What the parts are that have no name in front."""

_PLUGINS = (*_IN_ORDER, "start", "feasibility")
_PLAIN = ("goal", "repeats", "failed_fits")
_NAMED = re.compile(r"(?P<name>[a-z_]+)\s*[:=](?P<value>[^(\[]*|.+)")

_FORM = "SURROGATE+ACQUISITION+PENDING, of which the last ones may be left out, goal:GOAL, or a file FILE.yaml"


def learner_named(text: str, option: str = "--learner") -> LearnerConfig:
    """The learner that a text names: `random_forest`, `gp+ucb(kappa=2)`, `gp+ucb+believer`, `goal:top_set`, a part by
    its own name (`gp+pending=none`), or a file whose name ends in `.yaml` with what stands below `learner` in a
    campaign file.

    What is left out follows from the goal, as in a campaign file. Raises FileProblems saying what is wrong.
    """
    if text.endswith((".yaml", ".yml")):
        return _from_file(Path(text))
    try:
        return _from_parts(split(text, "+"))
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, one['loc'][:1]))}: {one['msg']}" for one in error.errors())
        raise FileProblems([Problem(option, None, "", repr(text), found)]) from error
    except ValueError as error:
        raise FileProblems([Problem(option, None, "", repr(text), str(error))]) from error


def _from_file(path: Path) -> LearnerConfig:
    source = read(path)
    report = Report()
    checked = validate(LearnerConfig, source.root, report)
    if checked is None or report.problems:
        report.fail()
    return checked.model


def _from_parts(parts: Sequence[str]) -> LearnerConfig:
    """Raises ValueError, pydantic's among them."""
    found: dict[str, Any] = {}
    without_name = iter(_IN_ORDER)
    for part in parts:
        match = _NAMED.fullmatch(part)
        name = match["name"] if match else next(without_name, None)
        if name is None:
            raise ValueError(f"{part!r} is one part too many: {_FORM}")
        if name not in (*_PLUGINS, *_PLAIN):
            raise ValueError(f"no part of a learner is called {name!r}; {one_of(name, (*_PLUGINS, *_PLAIN))}")
        if name in found:
            raise ValueError(f"the {name} is there twice")
        value = match["value"] if match else part
        found[name] = scalar(value) if name in _PLAIN else _plugin(name, value)
    return LearnerConfig.model_validate(found)


def _plugin(name: str, text: str) -> Any:
    try:
        return plugin(text)
    except ValueError as error:
        hint = f"; the form is {_FORM}" if str(error) == WANTED else ""
        raise ValueError(f"{name} {text!r}: {error}{hint}") from error
