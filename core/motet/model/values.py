"""The smallest shared pieces of the model."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

Value = float | int | str | bool
"""A parameter's value."""

Point = Mapping[str, Value]
"""One value for each parameter of a space."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
"""What parameters, stations, devices, procedures and objectives are called."""


class Frozen(BaseModel):
    """A frozen value read from a file: unknown keys are mistakes, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PluginRef(Frozen):
    """A plugin named in a file: `name`, or `{name: {option: value}}` with its options."""

    name: str
    options: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, found: object) -> object:
        if isinstance(found, str):
            return {"name": found}
        if isinstance(found, Mapping):
            entries = cast(Mapping[str, Any], found)
            if len(entries) != 1:
                raise ValueError(f"one plugin name is expected, found {len(entries)} keys: {', '.join(map(str, entries))}")
            ((name, options),) = entries.items()
            return {"name": name, "options": options or {}}
        raise ValueError("a plugin name, or one name with its options as a mapping, is expected")
