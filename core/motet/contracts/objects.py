"""Objects that a file names by their import path: `module:name`, with arguments where something has to be called."""

import importlib
import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from motet.errors import PluginProblem

PATH_PATTERN = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$"


class ObjectPath(BaseModel):
    """A Python object by its import path: an instance, or a class or function that makes one."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    object: str = Field(pattern=PATH_PATTERN)
    """`module:name`, such as `ophyd.sim:motor` or `ophyd:EpicsMotor`; a name may have dots."""
    args: tuple[Any, ...] = ()
    """What a class or function is called with."""
    kwargs: dict[str, Any] = Field(default_factory=dict[str, Any])
    """The same by name; one that takes `name` gets the device's, unless it is given."""

    def found(self) -> Any:
        """What stands at the path. Raises PluginProblem that says which part of it is missing."""
        module, _, name = self.object.partition(":")
        try:
            thing: Any = importlib.import_module(module)
        except Exception as error:
            raise PluginProblem(f"{self.object}: {module} cannot be imported: {_said(error)}") from error
        for part in name.split("."):
            try:
                thing = getattr(thing, part)
            except AttributeError as error:
                near = get_close_matches(part, dir(thing), n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise PluginProblem(f"{self.object}: there is no {part!r} in {module}{hint}") from error
        return thing

    def is_made(self, thing: Any) -> bool:
        """Whether what stands at the path is called, rather than taken as it is."""
        return inspect.isclass(thing) or inspect.isroutine(thing) or bool(self.args or self.kwargs)

    def make(self, thing: Any, name: str) -> Any:
        """The object itself, from what stands at the path. Raises PluginProblem when making it fails."""
        if not self.is_made(thing):
            return thing
        try:
            return thing(*self.args, **(_named(thing, name) | self.kwargs))
        except Exception as error:
            raise PluginProblem(f"{self.object} cannot be made: {_said(error)}") from error


def _named(thing: Any, name: str) -> dict[str, Any]:
    """`name=` for what asks for it."""
    try:
        parameters: Mapping[str, Any] = inspect.signature(thing).parameters
    except (TypeError, ValueError):  # made in C, without a signature
        return {}
    return {"name": name} if "name" in parameters else {}


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
