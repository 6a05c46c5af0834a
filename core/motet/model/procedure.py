"""A procedure: the named list of steps that a stage runs. `$name` refers to a parameter, `$step.output` to a result."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field, model_validator

from motet.model.values import Frozen, Name

Argument = float | int | str | bool
"""A literal, a quantity with its unit (`"5 mm"`), or a reference (`$x`, `$touch.force`)."""


class VerbStep(Frozen):
    """`device.verb: {argument: value}`, optionally `as: NAME` to refer to its outputs as `$NAME.output`."""

    device: str
    verb: str
    arguments: dict[str, Argument] = {}
    name: Name

    @property
    def label(self) -> str:
        """How the step is shown: `device.verb`."""
        return f"{self.device}.{self.verb}"


class WaitStep(Frozen):
    """`wait: 2 s`: a number of lab seconds, or a quantity."""

    wait: float | str


class RepeatStep(Frozen):
    """`repeat: {times: N, until: CONDITION, steps: [...]}`; a condition never met fails the experiment."""

    times: int = Field(ge=1, le=100_000)
    until: str | None = None
    steps: "tuple[Step, ...]" = Field(min_length=1)


class IfStep(Frozen):
    """`if: CONDITION` with `then: [...]` and optionally `else: [...]`."""

    condition: str
    then: "tuple[Step, ...]" = Field(min_length=1)
    otherwise: "tuple[Step, ...]" = ()


def _from_file(found: object) -> object:
    """The short forms of the file, each turned into the fields of its class."""
    if not isinstance(found, Mapping):
        if isinstance(found, str) and found.count(".") == 1:
            return _from_file({found: {}})
        if isinstance(found, Frozen):
            return found
        raise ValueError("a step is expected: `device.verb: {argument: value}`, `wait:`, `repeat:` or `if:`")
    entry = dict(cast(Mapping[str, Any], found))
    if "wait" in entry:
        return WaitStep.model_validate(entry)
    if "repeat" in entry:
        _only(entry, "repeat")
        return RepeatStep.model_validate(entry["repeat"])
    if "if" in entry:
        _only(entry, "if", "then", "else")
        return IfStep.model_validate(
            {"condition": entry["if"], "then": entry.get("then", ()), "otherwise": entry.get("else", ())}
        )
    if "device" in entry and "verb" in entry:
        return VerbStep.model_validate(entry)
    alias = entry.pop("as", None)
    if len(entry) != 1:
        raise ValueError(f"a step has one `device.verb`, found {', '.join(map(str, entry)) or 'none'}")
    ((label, arguments),) = entry.items()
    device, dot, verb = str(label).partition(".")
    if not dot:
        raise ValueError(f"{label!r} is not a step; `device.verb`, `wait`, `repeat` or `if` is expected")
    return VerbStep.model_validate(
        {"device": device, "verb": verb, "arguments": arguments or {}, "name": verb if alias is None else alias}
    )


def _only(entry: Mapping[str, Any], *allowed: str) -> None:
    extra = [key for key in entry if key not in allowed]
    if extra:
        raise ValueError(f"{', '.join(extra)} does not belong to an `{allowed[0]}` step; allowed: {', '.join(allowed)}")


Step = Annotated[VerbStep | WaitStep | RepeatStep | IfStep, BeforeValidator(_from_file)]


class Procedure(Frozen):
    """Steps that a station runs for each experiment; `cleanup` runs at the end whatever happened before."""

    parameters: dict[Name, str | None] = {}
    """The parameters it needs, each with its unit (or null)."""
    steps: tuple[Step, ...] = Field(min_length=1)
    cleanup: tuple[Step, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _parameters_as_list(cls, found: object) -> object:
        if isinstance(found, Mapping):
            entries = cast(Mapping[str, Any], found)
            if isinstance(entries.get("parameters"), list):
                return {**entries, "parameters": dict.fromkeys(cast(list[str], entries["parameters"]))}
        return found


RepeatStep.model_rebuild()
IfStep.model_rebuild()
Procedure.model_rebuild()
