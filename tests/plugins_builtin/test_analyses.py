"""From the documents of a run to numbers."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from motet.contracts.declarations import Kind
from motet.contracts.results import Analysis
from motet.errors import AnalysisError
from motet.model.experiment import RunRecord
from motet.plugins import installed


def analysis(name: str, **options: Any) -> Analysis:
    return installed().make(Kind.ANALYSIS, name, options)


def plateau(**options: Any) -> Analysis:
    return analysis("plateau", **{"signal": "measure.trace", "output": "current"} | options)


def run(*values: Any, step: str = "measure", output: str = "trace") -> RunRecord:
    """A run with one step that gave these values of one output, one event each, as a station records it."""
    descriptor = ("descriptor", {"uid": "d", "name": step})
    key = f"sdc1-potentiostat-{output}"
    events = [("event", {"descriptor": "d", "data": {key: value, "sdc1-other": 5.0}}) for value in values]
    return RunRecord((descriptor, *events), started=0.0, ended=1.0)


def test_plateau_says_what_it_reads_and_yields() -> None:
    assert plateau().needs() == ("measure.trace",)
    assert plateau().outputs() == ("current",)


def test_plateau_is_the_mean_of_the_last_part_of_a_trace() -> None:
    trace = np.array([9.0] * 8 + [1.0, 2.0])

    assert plateau().values(run(trace)) == {"current": 1.5}
    assert plateau(last=0.1).values(run(trace)) == {"current": 2.0}
    assert plateau(last=1.0).values(run(trace.tolist())) == {"current": 7.5}


def test_plateau_of_a_short_trace_uses_one_point_at_least() -> None:
    assert plateau(last=0.01).values(run([4.0, 6.0])) == {"current": 6.0}
    assert plateau().values(run(3)) == {"current": 3.0}


def test_plateau_joins_the_events_of_a_repeated_step() -> None:
    assert plateau(last=0.5).values(run(1.0, 2.0, 3.0, 5.0)) == {"current": 4.0}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (([1.0, math.nan, math.inf, 2.0],), "measure.trace: 2 of 4 points are not finite numbers"),
        ((1.0, math.nan), "measure.trace: 1 of 2 points are not finite numbers"),
        ((np.zeros(0),), "measure.trace is empty"),
        (("overload",), "measure.trace holds 'overload', not numbers"),
        ((None,), "measure.trace holds None, not numbers"),
        ((True,), "measure.trace holds True, not numbers"),
        (([[1.0], [1.0, 2.0]],), "measure.trace is ragged"),
    ],
)
def test_a_trace_without_a_usable_number_is_an_analysis_error(values: tuple[Any, ...], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        plateau().values(run(*values))


def test_a_signal_that_the_run_does_not_have_is_named_with_what_there_is() -> None:
    with pytest.raises(AnalysisError, match=r"measure\.trace: no step 'measure' in this run; it has touch"):
        plateau().values(run(1.0, step="touch"))
    with pytest.raises(AnalysisError, match=r"measure\.trace: no output 'trace' of step 'measure'"):
        plateau().values(run(1.0, output="force"))


@pytest.mark.parametrize("options", [{"signal": "trace"}, {"output": "2nd"}, {"last": 0.0}, {"last": 1.1}])
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        plateau(**options)


def test_value_reads_the_last_number_of_each_signal() -> None:
    both = analysis("value", outputs={"force": "touch.force", "height": "touch.force"})

    assert both.needs() == ("touch.force", "touch.force")
    assert both.outputs() == ("force", "height")
    assert both.values(run(math.nan, 2, step="touch", output="force")) == {"force": 2.0, "height": 2.0}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.nan, r"touch\.force: 1 of 1 points are not finite"),
        ([1.0, 2.0], r"touch\.force holds a trace of 2 points; one number is needed"),
        ("high", r"touch\.force holds 'high', not numbers"),
    ],
)
def test_value_refuses_what_is_not_one_finite_number(value: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        analysis("value", outputs={"force": "touch.force"}).values(run(value, step="touch", output="force"))
