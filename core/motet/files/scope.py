"""What the steps of a procedure may refer to: parameters, outputs of earlier stages, and of the steps before."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from motet.files.node import Node
from motet.model.space import Categorical, Continuous, Fixed, Integer, Parameter, Stepped

ANY_STAGE = "*"
"""In the place of a stage's name: for a procedure by itself, which a campaign may put behind any other."""
NUMERIC = ("number", "integer")
_WORDS = {
    "number": "a number",
    "integer": "a whole number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list of numbers",
}
_KINDS: dict[type, str] = {float: "number", int: "integer", str: "string", bool: "boolean"}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about a value before it is there.

    `kind` is `number`, `integer`, `string`, `boolean` or `array`, None where it cannot be told; `low` and
    `high` bound a number, in `unit`. `where` is the campaign's parameter, None for all else.
    """

    kind: str | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    where: Node | None = None

    def fits(self, kind: str) -> bool:
        """Whether such a value may be given where one of `kind` is needed."""
        return self.kind in (None, kind) or (kind == "number" and self.kind == "integer")


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that may be referred to at one place of a procedure.

    `sure` are there whenever this place is reached, `perhaps` may be there. Names are `parameter`, `step.output` and
    `stage.step.output`. `wrong` holds the names of steps that have mistakes of their own: nothing is known about their
    outputs; nor about those of the stages in `unknown`, all of which `ANY_STAGE` stands for.
    """

    sure: Mapping[str, Known] = field(default_factory=dict[str, Known])
    perhaps: frozenset[str] = frozenset()
    wrong: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()

    def may_give(self, name: str) -> bool:
        """Whether a name is an output of a step or stage of which nothing is known."""
        step, dot, _ = name.rpartition(".")
        stage = step.partition(".")[0]
        return bool(dot) and (step in self.wrong or ("." in step and not self.unknown.isdisjoint((stage, ANY_STAGE))))

    def plus(self, outputs: Mapping[str, Known]) -> "Scope":
        """The scope after a step that gives these outputs."""
        return replace(self, sure={**self.sure, **outputs})

    def joined(self, then: "Scope", otherwise: "Scope") -> "Scope":
        """The scope after one of two branches: what both give is sure."""
        both = {name: known for name, known in then.sure.items() if name in otherwise.sure}
        one = (then.sure.keys() | otherwise.sure.keys()) - both.keys()
        return replace(self, sure=both, perhaps=self.perhaps | then.perhaps | otherwise.perhaps | one)


def kind_of(value: type) -> str:
    """`number` for float, and so on: the words of the documents' data keys."""
    return _KINDS.get(value, "string")


def described(kind: str | None) -> str:
    """A kind in the words of a message."""
    return _WORDS.get(kind or "", "a value")


def literal(value: float | str | bool) -> Known:
    """What is known about a value as it stands."""
    if isinstance(value, bool | str):
        return Known(kind_of(type(value)))
    return Known(kind_of(type(value)), low=float(value), high=float(value))


def known(parameter: Parameter, where: Node | None = None) -> Known:
    """What a campaign's parameter may be."""
    match parameter:
        case Continuous() | Stepped():
            return Known("number", parameter.unit or "", parameter.low, parameter.high, where)
        case Integer():
            return Known("integer", parameter.unit or "", parameter.low, parameter.high, where)
        case Categorical():
            return Known("string", where=where)
        case Fixed(value=bool() | str()):
            return Known(kind_of(type(parameter.value)), where=where)
        case Fixed():
            value = float(parameter.value)
            return Known(kind_of(type(parameter.value)), parameter.unit or "", value, value, where)
