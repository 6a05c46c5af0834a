"""Makes plugins as a file names them, with those that they are made of."""

from typing import Any, cast

from pydantic import BaseModel, ValidationError

from motet.contracts.declarations import Composite, Declaration, Kind
from motet.errors import PluginProblem
from motet.files.mistakes import mistakes
from motet.model.values import PluginRef
from motet.plugins import Registry


def make_plugin(registry: Registry, kind: Kind, ref: PluginRef) -> Any:
    """A plugin as a file names it. Raises PluginProblem."""
    options = _options(registry, kind, ref)
    try:
        return made(registry, registry.get(kind, ref.name), options)
    except (ValueError, TypeError) as error:
        raise PluginProblem(f"{kind} {ref.name} refuses its options: {error}") from error


def made(registry: Registry, declaration: Declaration, options: BaseModel) -> Any:
    """What a declaration makes of its options. Raises PluginProblem for a part, and whatever the plugin raises."""
    if not isinstance(declaration, Composite):
        return declaration.make(options)

    def part(kind: Kind, ref: PluginRef) -> Any:
        return make_plugin(registry, kind, ref)

    return declaration.make(options, part)


def _options(registry: Registry, kind: Kind, ref: PluginRef) -> BaseModel:
    try:
        return registry.options(kind, ref.name, ref.options)
    except ValidationError as error:
        found = mistakes(registry.get(kind, ref.name).options, ref.options)
        raise PluginProblem(f"{kind} {ref.name}: {found or error}") from error


def label_of(registry: Registry, kind: Kind, ref: PluginRef) -> str:
    """What a plugin is called in reasons: its name with the options that the file sets."""
    options = _options(registry, kind, ref)
    names = [name for name in type(options).model_fields if name in options.model_fields_set]
    given = [f"{name}={_short(getattr(options, name))}" for name in names]
    return f"{ref.name}({', '.join(given)})" if given else ref.name


def _short(value: object) -> str:
    """An option's value; of plugins within plugins their names."""
    if isinstance(value, PluginRef):
        return value.name
    if isinstance(value, tuple):
        return f"[{', '.join(map(_short, cast('tuple[object, ...]', value)))}]"
    return str(value)
