"""The plugin manager: finds what every installed distribution declares and names whoever is at fault."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import metadata
from typing import Any, cast

import pluggy
from pydantic import BaseModel

from motet import hookspecs
from motet.contracts.declarations import Declaration, Kind
from motet.errors import PluginProblem

GROUP = "motet"
_HOOKS = {kind: "motet_analyses" if kind is Kind.ANALYSIS else f"motet_{kind}s" for kind in Kind}


@dataclass(frozen=True, slots=True)
class Found:
    """A declaration with the distribution that brought it."""

    kind: Kind
    declaration: Declaration
    distribution: str
    version: str


@dataclass(frozen=True)
class Registry:
    """All plugins that could be loaded, by kind and name, and what is wrong with the others."""

    manager: pluggy.PluginManager
    origins: Mapping[str, tuple[str, str]]
    problems: list[str] = field(default_factory=list[str])
    _kinds: dict[Kind, dict[str, Found]] = field(default_factory=dict[Kind, dict[str, Found]])

    def all(self, kind: Kind) -> Mapping[str, Found]:
        """Everything of one kind by name. Asks the plugins at the first call."""
        if kind not in self._kinds:
            self._kinds[kind] = self._collect(kind)
        return self._kinds[kind]

    def get(self, kind: Kind, name: str) -> Declaration:
        """The declaration of that name. Raises PluginProblem with the nearest names when there is none."""
        known = self.all(kind)
        if name in known:
            return known[name].declaration
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known)) or 'none'}"
        broken = f" ({'; '.join(self.problems)})" if self.problems else ""
        raise PluginProblem(f"no {kind} named {name!r}; {hint}{broken}")

    def options(self, kind: Kind, name: str, options: Mapping[str, Any]) -> BaseModel:
        """Validated options for a plugin. Raises pydantic's ValidationError."""
        return self.get(kind, name).options.model_validate(dict(options))

    def make(self, kind: Kind, name: str, options: Mapping[str, Any], *args: Any) -> Any:
        """The thing itself: `make(options, *args)`."""
        return self.get(kind, name).make(self.options(kind, name, options), *args)

    def _collect(self, kind: Kind) -> dict[str, Found]:
        """Each plugin is asked by itself, so that one that raises does not take the others down."""
        found: dict[str, Found] = {}
        hook = getattr(self.manager.hook, _HOOKS[kind])
        for impl in hook.get_hookimpls():
            distribution, version = self.origins.get(impl.plugin_name, (impl.plugin_name, "?"))
            try:
                declared = list(cast("Iterable[Any]", impl.function()))
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it is reported with its name
                self.problems.append(
                    f"{distribution}: {_HOOKS[kind]} failed: {type(error).__name__}: {error}"
                )
                continue
            for declaration in declared:
                self._add(found, kind, declaration, distribution, version)
        return found

    def _add(
        self, found: dict[str, Found], kind: Kind, declaration: Any, distribution: str, version: str
    ) -> None:
        if not isinstance(declaration, Declaration):
            self.problems.append(f"{distribution}: {_HOOKS[kind]} gave {declaration!r}, not a Declaration")
        elif declaration.name in found:
            first = found[declaration.name].distribution
            self.problems.append(
                f"{distribution}: {kind} {declaration.name!r} is already taken by {first}; the first one is used"
            )
        else:
            found[declaration.name] = Found(kind, declaration, distribution, version)


def load(entry_points: Iterable[metadata.EntryPoint] | None = None) -> Registry:
    """A registry of the given entry points, by default of all installed ones of the group `motet`."""
    manager = pluggy.PluginManager("motet")
    manager.add_hookspecs(hookspecs)
    points = metadata.entry_points(group=GROUP) if entry_points is None else entry_points
    origins: dict[str, tuple[str, str]] = {}
    problems: list[str] = []
    for point in sorted(points, key=_builtins_first):
        distribution = point.dist.name if point.dist else point.module
        key = f"{distribution}:{point.name}"
        origins[key] = (distribution, point.dist.version if point.dist else "?")
        try:
            manager.register(point.load(), name=key)
            manager.check_pending()
        except pluggy.PluginValidationError as error:
            manager.unregister(name=key)
            problems.append(f"{distribution}: {error}")
        except Exception as error:  # noqa: BLE001 - a broken distribution must not take the others down
            problems.append(
                f"{distribution}: could not import {point.value}: {type(error).__name__}: {error}"
            )
    return Registry(manager, origins, problems)


def _builtins_first(point: metadata.EntryPoint) -> tuple[bool, str, str]:
    distribution = point.dist.name if point.dist else point.module
    return (distribution != "motet", distribution, point.name)


@cache
def installed() -> Registry:
    """The registry of everything installed, loaded once."""
    return load()
