"""Experiments and what a run hands back."""

import pytest

from motet.model.experiment import Document, Experiment, RunRecord, Suggestion

DOCUMENTS: tuple[Document, ...] = (
    ("start", {"uid": "run"}),
    ("descriptor", {"uid": "d1", "name": "touch"}),
    ("descriptor", {"uid": "d2", "name": "measure"}),
    ("event", {"descriptor": "d1", "data": {"sdc1-force-force": 1.5}}),
    ("event", {"descriptor": "d1", "data": {"sdc1-force-force": 52.0}}),
    ("event", {"descriptor": "d2", "data": {"sdc1-pot-time": [0, 1], "sdc1-pot-current": [2, 3]}}),
    ("stop", {"run_start": "run"}),
)


def test_an_experiment_has_one_id_and_its_point() -> None:
    experiment = Experiment("demo-1", 7, Suggestion({"x": 2.5}, "best score"))
    assert (experiment.id, experiment.parameters) == ("demo-1/7", {"x": 2.5})


def test_outputs_are_found_by_step_and_name_in_the_order_measured() -> None:
    record = RunRecord(DOCUMENTS, 0.0, 1.0)
    assert record.output("touch", "force") == [1.5, 52.0]
    assert record.output("measure", "current") == [[2, 3]]


def test_what_is_not_there_is_named_with_what_is() -> None:
    record = RunRecord(DOCUMENTS, 0.0, 1.0)
    with pytest.raises(KeyError, match="no step 'weigh' in this run; it has measure, touch"):
        record.output("weigh", "mass")
    with pytest.raises(KeyError, match="no output 'mass' of step 'touch'; it has sdc1-force-force"):
        record.output("touch", "mass")
    with pytest.raises(KeyError, match="it has none"):
        RunRecord((), 0.0, 1.0).output("touch", "force")
