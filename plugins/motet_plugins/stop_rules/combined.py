"""The stop rules `any` and `all`, made of other stop rules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import overload

from pydantic import Field

from motet.contracts.belief import View
from motet.contracts.declarations import Kind, Part
from motet.contracts.learning import History, Noting, StopRule
from motet.model.experiment import Suggestion
from motet.model.values import Frozen, PluginRef


class Options(Frozen):
    """Options of `any` and `all`."""

    of: tuple[PluginRef, ...] = Field(min_length=1)
    """The stop rules, as under `stop`; they may be `any` and `all` again."""


class AnyOf:
    """When any of several stop rules holds, which is what a list under `stop` means too; for use within `all`."""

    def __init__(self, options: Options, part: Part) -> None:
        self._parts = _made(options, part)

    def reason(self, history: History) -> str | None:
        """The reasons of those that hold."""
        reasons = [reason for one in self._parts if (reason := one.reason(history)) is not None]
        return "; ".join(reasons) or None

    def most(self) -> int | None:
        """The smallest bound."""
        return min((bound for one in self._parts if (bound := one.rule.most()) is not None), default=None)

    def note(self, view: View, chosen: int, score: float) -> dict[str, float]:
        """What the parts note."""
        return _notes(self._parts, view, chosen, score)


class AllOf:
    """When all of several stop rules hold at the same moment.

    That one of them held before does not count: `no_improvement` is over as soon as there is a better value.
    """

    def __init__(self, options: Options, part: Part) -> None:
        self._parts = _made(options, part)

    def reason(self, history: History) -> str | None:
        """All reasons. Every rule is asked, so that one that cannot work says so at once."""
        reasons = [one.reason(history) for one in self._parts]
        held = [reason for reason in reasons if reason is not None]
        return " and ".join(held) if len(held) == len(reasons) else None

    def most(self) -> int | None:
        """The largest bound, none when one rule has none."""
        bounds = [one.rule.most() for one in self._parts]
        known = [bound for bound in bounds if bound is not None]
        return max(known) if len(known) == len(bounds) else None

    def note(self, view: View, chosen: int, score: float) -> dict[str, float]:
        """What the parts note."""
        return _notes(self._parts, view, chosen, score)


@dataclass(frozen=True, slots=True)
class _Part:
    """A rule and what its notes are called besides: by its name and options, which decide what it notes.

    Two rules of a kind thus keep their notes apart, and where the names are the same, so are the figures.
    """

    rule: StopRule
    prefix: str

    def reason(self, history: History) -> str | None:
        if not isinstance(self.rule, Noting) or not self.prefix:
            return self.rule.reason(history)
        return self.rule.reason(replace(history, suggestions=_Own(history.suggestions, self.prefix)))


class _Own(Sequence[Suggestion]):
    """Suggestions with the notes of one part only. Made when they are looked at, since there may be very many."""

    def __init__(self, suggestions: Sequence[Suggestion], prefix: str) -> None:
        self._suggestions = suggestions
        self._prefix = prefix

    def __len__(self) -> int:
        return len(self._suggestions)

    @overload
    def __getitem__(self, at: int) -> Suggestion: ...
    @overload
    def __getitem__(self, at: slice) -> list[Suggestion]: ...
    def __getitem__(self, at: int | slice) -> Suggestion | list[Suggestion]:
        if isinstance(at, slice):
            return [self._own(suggestion) for suggestion in self._suggestions[at]]
        return self._own(self._suggestions[at])

    def _own(self, suggestion: Suggestion) -> Suggestion:
        start = len(self._prefix)
        own = {name[start:]: value for name, value in suggestion.notes.items() if name.startswith(self._prefix)}
        return replace(suggestion, notes=own)


def _made(options: Options, part: Part) -> list[_Part]:
    rules: list[tuple[PluginRef, StopRule]] = [(ref, part(Kind.STOP_RULE, ref)) for ref in options.of]
    return [_Part(rule, "" if isinstance(rule, AnyOf | AllOf) else _prefix(ref)) for ref, rule in rules]


def _prefix(ref: PluginRef) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in sorted(ref.options.items()))
    return f"{ref.name}({given}): "


def _notes(parts: Sequence[_Part], view: View, chosen: int, score: float) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in parts:
        if isinstance(one.rule, Noting):
            found |= {one.prefix + name: value for name, value in one.rule.note(view, chosen, score).items()}
    return found
