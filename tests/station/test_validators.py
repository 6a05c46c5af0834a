"""Documents are held against event-model's schemas as strictly as event-model does it, only faster."""

import math
from typing import Any, cast

import event_model
import jsonschema
import numpy
import pytest
from event_model import DocumentNames

from motet.station.validators import CompiledValidator, compile_validators

GOOD: dict[str, Any] = {"uid": "u", "time": 1.0, "plan_name": "p", "motet": {"point": [1, 2.5, None], "of": {"a": "b"}}}


@pytest.fixture(name="validate")
def _validate() -> Any:
    compile_validators()
    return cast("Any", event_model).schema_validators


def test_every_schema_is_compiled(validate: Any) -> None:
    assert all(isinstance(validate[name], CompiledValidator) for name in DocumentNames if name in validate)
    before = dict(validate)
    compile_validators()
    assert validate == before


@pytest.mark.parametrize("change", [{"uid": 1}, {"time": "late"}, {"bad.name": 1}, {"scan_id": 1.5}])
def test_what_event_model_refuses_is_refused_with_its_message(validate: Any, change: dict[str, Any]) -> None:
    validate[DocumentNames.start].validate(GOOD)
    with pytest.raises(jsonschema.ValidationError) as ours:
        validate[DocumentNames.start].validate(GOOD | change)
    schema = validate[DocumentNames.start].schema
    with pytest.raises(jsonschema.ValidationError) as theirs:
        jsonschema.Draft202012Validator(schema).validate(GOOD | change)
    assert ours.value.message == theirs.value.message


@pytest.mark.parametrize("value", [1.0, math.nan, numpy.float64(1.0), numpy.zeros(3), [[1], [2]], "text", True])
def test_values_that_instruments_give_are_accepted(validate: Any, value: Any) -> None:
    run = event_model.compose_run(metadata={"motet": {}})
    key: Any = {"source": "s", "dtype": "number", "shape": []}
    event = run.compose_descriptor("primary", {"a": key}).compose_event(data={"a": value}, timestamps={"a": 1.0})
    validate[DocumentNames.event].validate(event)
