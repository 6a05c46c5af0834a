"""The plugin manager: finds what every installed distribution declares and names whoever is at fault."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, cached_property
from importlib import metadata
from typing import Any, cast

import pluggy
from pydantic import BaseModel

from motet import hookspecs
from motet.contracts.declarations import Declaration, Driver, Kind, Later, Simulator
from motet.errors import PluginProblem

GROUP = "motet"
_CLASSES: Mapping[Kind, type[Declaration]] = {Kind.DRIVER: Driver, Kind.SIMULATOR: Simulator}


def hook_of(kind: Kind) -> str:
    """The hook that brings a kind of plugin."""
    return "motet_analyses" if kind is Kind.ANALYSIS else f"motet_{kind}s"


@dataclass(frozen=True)
class Found:
    """A declaration with the distribution that brought it."""

    kind: Kind
    given: Declaration | Later
    distribution: str
    version: str

    @cached_property
    def declaration(self) -> Declaration:
        """The declaration itself. Raises PluginProblem where its module cannot be imported, or gives something else."""
        if isinstance(self.given, Declaration):
            return self.given
        whose = f"{self.distribution}: {self.kind} {self.given.name!r}"
        try:
            declaration = self.given.load()
        except (Exception, SystemExit) as error:
            raise PluginProblem(f"{whose} could not be loaded: {type(error).__name__}: {error}") from error
        wanted = _CLASSES.get(self.kind, Declaration)
        if not isinstance(declaration, wanted) or declaration.name != self.given.name:
            raise PluginProblem(f"{whose} gave {declaration!r}, not a {wanted.__name__} of that name")
        return declaration

    @property
    def loaded(self) -> Declaration | None:
        """The declaration, None where it cannot be had; `declaration` says why."""
        try:
            return self.declaration
        except PluginProblem:
            return None


@dataclass(frozen=True)
class Registry:
    """All plugins that could be loaded, by kind and name, and what is wrong with the others."""

    manager: pluggy.PluginManager
    origins: Mapping[str, tuple[str, str]]
    problems: list[str] = field(default_factory=list[str])
    _kinds: dict[Kind, dict[str, Found]] = field(default_factory=dict[Kind, dict[str, Found]])

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions of Motet and of every distribution that brought a plugin."""
        return {"motet": metadata.version("motet")} | dict(self.origins.values())

    def require(self, versions: Mapping[str, str]) -> None:
        """Raises PluginProblem naming what differs when these are not the versions here."""
        here = self.versions
        unlike = sorted(name for name in {*here, *versions} if here.get(name) != versions.get(name))
        if unlike:
            told = [
                f"{name} {versions.get(name, 'no')} is needed, {here.get(name, 'none')} is there" for name in unlike
            ]
            raise PluginProblem("; ".join(told))

    def all(self, kind: Kind) -> Mapping[str, Found]:
        """Everything of one kind by name. Asks the plugins at the first call."""
        if kind not in self._kinds:
            self._kinds[kind] = self._collect(kind)
        return self._kinds[kind]

    def usable(self, kind: Kind) -> Mapping[str, Found]:
        """Everything of one kind that can be loaded; the others are among the problems."""
        found: dict[str, Found] = {}
        for name, item in self.all(kind).items():
            try:
                item.declaration  # noqa: B018 - loads it
                found[name] = item
            except PluginProblem as error:
                if str(error) not in self.problems:
                    self.problems.append(str(error))
        return found

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
        name = hook_of(kind)
        for impl in getattr(self.manager.hook, name).get_hookimpls():
            distribution, version = self.origins.get(impl.plugin_name, (impl.plugin_name, "?"))
            for declaration in self._asked(impl, name, distribution):
                if not isinstance(declaration, (_CLASSES.get(kind, Declaration), Later)):
                    wanted = _CLASSES.get(kind, Declaration).__name__
                    self.problems.append(f"{distribution}: {name} gave {declaration!r}, not a {wanted}")
                elif declaration.name in found:
                    first = found[declaration.name].distribution
                    taken = f"{kind} {declaration.name!r} is already taken by {first}; the first one is used"
                    self.problems.append(f"{distribution}: {taken}")
                else:
                    found[declaration.name] = Found(kind, declaration, distribution, version)
        return found

    def _asked(self, impl: pluggy.HookImpl, name: str, distribution: str) -> list[Any]:
        """What a plugin's hook gives; nothing, with the reason among the problems, when it fails."""
        try:
            given: object = impl.function()
            if isinstance(given, Iterable):
                return list(cast("Iterable[Any]", given))
            self.problems.append(f"{distribution}: {name} gave {given!r}, not a list of declarations")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything; it is named
            self.problems.append(f"{distribution}: {name} failed: {type(error).__name__}: {error}")
        return []


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
        try:
            plugin: object = point.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - one that is broken must not take the others down
            reason = f"{type(error).__name__}: {error}"
            problems.append(f"{distribution}: could not import {point.value}: {reason}")
            continue
        problem = _problem(plugin, manager, point, origins)
        if problem is None:
            origins[key] = (distribution, point.dist.version if point.dist else "?")
            manager.register(plugin, name=key)
        else:
            problems.append(f"{distribution}: {problem}")
    return Registry(manager, origins, problems)


def _problem(
    plugin: object,
    manager: pluggy.PluginManager,
    point: metadata.EntryPoint,
    origins: Mapping[str, tuple[str, str]],
) -> str | None:
    """Why a plugin cannot be registered: there twice, a hook misspelt or with arguments. None if it can."""
    before = manager.get_name(plugin)
    if before is not None:
        return f"{point.value} is the plugin of {origins[before][0]} already"
    known = [hook_of(kind) for kind in Kind]
    for name in dir(plugin):
        if manager.parse_hookimpl_opts(plugin, name) is None:
            continue
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            return f"unknown hook {name!r}; {hint}"
        arguments = inspect.signature(getattr(plugin, name)).parameters
        if arguments:
            return f"{name} takes {', '.join(arguments)}; hooks are called without arguments"
    return None


def _builtins_first(point: metadata.EntryPoint) -> tuple[bool, str, str]:
    distribution = point.dist.name if point.dist else point.module
    return (distribution != "motet", distribution, point.name)


@cache
def installed() -> Registry:
    """The registry of everything installed, loaded once."""
    return load()
