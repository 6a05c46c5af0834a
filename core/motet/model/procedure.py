"""A procedure: the steps that a stage runs. `$name` refers to a parameter, `$step.output` to a result."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, cast

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from motet.model.values import Frozen, Name, Real, Whole

Argument = float | int | str | bool
"""A literal, a quantity with its unit (`"5 mm"`), or a reference (`$x`, `$touch.force`)."""


Amount = Annotated[Real, Field(gt=0)] | str
"""A number in the consumable's own unit, or a quantity with its unit (`"0.5 mL"`)."""


class VerbStep(Frozen):
    """`device.verb: {argument: value}`, optionally `as: NAME` to refer to its outputs as `$NAME.output`."""

    device: str
    verb: str
    arguments: dict[str, Argument] = Field(default_factory=dict[str, Argument])
    name: Name

    @property
    def label(self) -> str:
        """How the step is shown: `device.verb`."""
        return f"{self.device}.{self.verb}"

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, found: object) -> object:
        if isinstance(found, str):
            found = {found: {}}
        if not isinstance(found, Mapping):
            return found
        entry = dict(cast("Mapping[str, Any]", found))
        if entry.keys() >= {"device", "verb"}:
            return entry
        alias = entry.pop("as", None)
        labels = [str(key) for key in entry if "." in str(key)]
        if len(labels) != 1 or len(entry) != 1:
            raise ValueError(_not_one_label(entry, labels))
        device, _, verb = labels[0].partition(".")
        arguments = entry[labels[0]]
        return {
            "device": device,
            "verb": verb,
            "arguments": {} if arguments is None else arguments,
            "name": verb if alias is None else alias,
        }


class WaitStep(Frozen):
    """`wait: 2 s`: a number of lab seconds, or a quantity."""

    wait: Real | str


class RepeatStep(Frozen):
    """`repeat: {times: N, until: CONDITION, steps: [...]}`; a condition never met fails the experiment."""

    times: Whole = Field(ge=1, le=100_000)
    until: str | None = None
    steps: "tuple[Step, ...]" = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, found: object) -> object:
        if isinstance(found, Mapping) and "repeat" in found:
            entry = cast("Mapping[str, Any]", found)
            _only(entry, "repeat")
            return entry["repeat"]
        return cast("object", found)


class IfStep(Frozen):
    """`if: CONDITION` with `then: [...]` and optionally `else: [...]`."""

    condition: str
    then: "tuple[Step, ...]" = Field(min_length=1)
    otherwise: "tuple[Step, ...]" = ()

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, found: object) -> object:
        if isinstance(found, Mapping) and "if" in found:
            entry = cast("Mapping[str, Any]", found)
            _only(entry, "if", "then", "else")
            names = {"if": "condition", "else": "otherwise"}
            return {names.get(key, key): value for key, value in entry.items()}
        return cast("object", found)


def _kind(found: object) -> str | None:
    """The class of a step, by its keys; None for what is no step."""
    if isinstance(found, Frozen):
        return type(found).__name__
    if isinstance(found, str):
        return "VerbStep" if found.count(".") == 1 else None
    if not isinstance(found, Mapping):
        return None
    for key, kind in (("wait", "WaitStep"), ("repeat", "RepeatStep"), ("if", "IfStep")):
        if key in found:
            return kind
    if "times" in found and "steps" in found:
        return "RepeatStep"
    return "IfStep" if "condition" in found else "VerbStep"


def _not_one_label(entry: Mapping[str, Any], labels: list[str]) -> str:
    keys = [str(key) for key in entry if str(key) not in labels]
    if not labels:
        hint = get_close_matches(keys[0], ("wait", "repeat", "if"), n=1) if keys else []
        mean = f"did you mean {hint[0]!r}? " if hint else ""
        return f"{mean}a step is `device.verb: {{argument: value}}`, `wait:`, `repeat:` or `if:`"
    if len(labels) > 1:
        return f"a step has one `device.verb`; begin each of {', '.join(labels)} with a dash of its own"
    return f"beside `{labels[0]}` only `as: NAME` may stand in a step, not {', '.join(keys)}"


def _only(entry: Mapping[str, Any], *allowed: str) -> None:
    extra = [str(key) for key in entry if key not in allowed]
    if extra:
        raise ValueError(f"a step with `{allowed[0]}` has only the keys {', '.join(allowed)}, not {', '.join(extra)}")


Step = Annotated[
    Annotated[VerbStep, Tag("VerbStep")]
    | Annotated[WaitStep, Tag("WaitStep")]
    | Annotated[RepeatStep, Tag("RepeatStep")]
    | Annotated[IfStep, Tag("IfStep")],
    Discriminator(
        _kind,
        custom_error_type="step",
        custom_error_message="a step is `device.verb: {argument: value}`, `wait:`, `repeat:` or `if:`",
    ),
]


class Procedure(Frozen):
    """Steps that a station runs for each experiment; `cleanup` runs at the end whatever happened before."""

    parameters: dict[Name, str | None] = Field(default_factory=dict[Name, str | None])
    """The parameters it needs, each with its unit (or null)."""
    uses: dict[Name, Amount] = Field(default_factory=dict[Name, Amount])
    """What one run of it uses up of the lab's consumables, also when it fails."""
    steps: tuple[Step, ...] = Field(min_length=1)
    """What is done, in this order."""
    cleanup: tuple[Step, ...] = ()
    """What is done at the end, also after a failure."""

    @field_validator("parameters", mode="before")
    @classmethod
    def _parameters_as_list(cls, found: object) -> object:
        if not isinstance(found, list):
            return found
        names = cast("list[object]", found)
        twice = [str(name) for index, name in enumerate(names) if name in names[:index]]
        if twice or not all(isinstance(name, str) for name in names):
            raise ValueError("names, each once, or a mapping of names to units are needed")
        return dict.fromkeys(names)


RepeatStep.model_rebuild()
IfStep.model_rebuild()
Procedure.model_rebuild()
