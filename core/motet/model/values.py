"""The smallest shared pieces of the model."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Value = float | int | str | bool
"""A parameter's value."""

Point = Mapping[str, Value]
"""One value for each parameter of a space."""

NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_]*$"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=64)]
"""What parameters, stations, devices, procedures and objectives are called."""

Real = Annotated[float, Field(strict=True)]
"""A number as it stands in a file: neither text such as `"5"` nor `true`."""

Bound = Real | str
"""A number in the unit of whatever takes it, or a quantity with its unit (`"50 mm"`)."""

Whole = Annotated[int, Field(strict=True)]
"""A whole number as it stands in a file."""


class Frozen(BaseModel):
    """A frozen value read from a file: unknown keys are mistakes, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class PluginRef(Frozen):
    """A plugin named in a file: `name`, or `{name: {option: value}}` with its options."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict[str, Any])

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, found: object) -> object:
        if isinstance(found, PluginRef):
            return found
        if isinstance(found, str):
            return {"name": found}
        if not isinstance(found, Mapping):
            raise ValueError("a plugin name, or one name with its options as a mapping, is expected")
        entries = cast("Mapping[str, Any]", found)
        if isinstance(entries.get("name"), str) and entries.keys() <= {"name", "options"}:
            return entries
        if len(entries) != 1:
            keys = ", ".join(map(str, entries)) or "none"
            raise ValueError(f"one plugin name with its options as a mapping is expected, not the keys {keys}")
        ((name, options),) = entries.items()
        return {"name": name, "options": {} if options is None else options}
