"""Bluesky documents are held against their JSON schemas by a compiled validator.

event-model checks every document that a RunEngine makes, in Python: 0.2 to 0.9 ms each, which was a third of what an
experiment costs. `compile_validators` puts compiled ones of the same schemas before its own (1 to 2 us each). What a
compiled one does not accept, event-model's own decides on, with its message: it knows numpy arrays, for one.
"""

from collections.abc import Mapping
from typing import Any, Protocol, cast

import event_model
from jsonschema_rs import Draft202012Validator


class _Known(Protocol):
    """A validator of event-model."""

    schema: Mapping[str, Any]

    def validate(self, instance: Any) -> None:
        """Raises jsonschema.ValidationError."""
        ...


class CompiledValidator:
    """The schema of one kind of document; `schema` and `validate` are what those who know event-model use."""

    def __init__(self, known: _Known) -> None:
        self.schema = known.schema
        self._known = known
        self._accepts = Draft202012Validator(dict(known.schema)).is_valid

    def validate(self, instance: Any) -> None:
        """Raises jsonschema.ValidationError as event-model's own validator does."""
        try:
            accepted = self._accepts(instance)
        except (TypeError, ValueError):  # a value of a type that it does not know: the other one may
            accepted = False
        if not accepted:
            self._known.validate(instance)


def compile_validators() -> None:
    """Put them before those of event-model, for this process. Idempotent."""
    validators = cast("dict[event_model.DocumentNames, _Known]", event_model.schema_validators)
    for name, known in validators.items():
        if not isinstance(known, CompiledValidator):
            validators[name] = CompiledValidator(known)
