"""A new instrument: an installable plugin package with driver, simulator, tests and page, written from templates."""

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from motet.contracts.declarations import Kind
from motet.errors import PluginProblem
from motet.plugins import Registry, installed

Transport = Literal["serial", "mqtt"]
LONGEST = 40
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_OURS = ("drivers", "plugins", "simulators", "conformance")
"""Import packages `motet_...` that come with Motet."""


@dataclass(frozen=True, slots=True)
class NewDriver:
    """What a new instrument is called in every place where it has a name."""

    name: str
    transport: Transport

    @property
    def package(self) -> str:
        """The import package."""
        return f"motet_{self.name}"

    @property
    def distribution(self) -> str:
        """What pip calls it."""
        return f"motet-{self.name.replace('_', '-')}"

    @property
    def cls(self) -> str:
        """The class of the device, and of its simulator."""
        return "".join(part.capitalize() for part in self.name.split("_"))

    def files(self) -> Mapping[str, str]:
        """The templates by the path of what they become."""
        return {
            "pyproject.toml": "pyproject.toml",
            "README.md": "README.md",
            f"src/{self.package}/__init__.py": "init.py",
            f"src/{self.package}/driver.py": f"driver_{self.transport}.py",
            f"src/{self.package}/simulator.py": f"simulator_{self.transport}.py",
            f"src/{self.package}/bath.py": "bath.py",
            f"tests/test_{self.name}.py": "test_driver.py",
            f"tests/test_{self.name}_simulator.py": "test_simulator.py",
            f"docs/{self.name}.md": "page.md",
        }


def write_driver(
    name: str, directory: Path | None = None, transport: Transport = "serial", registry: Registry | None = None
) -> Path:
    """Write the package and give its folder, by default `motet-NAME` here.

    Raises PluginProblem for a name that cannot be one, that a driver has already, or a folder that exists; OSError
    when it cannot be written. Nothing is overwritten.
    """
    _check_name(name, registry or installed())
    new = NewDriver(name, transport)
    folder = Path(new.distribution) if directory is None else directory
    if folder.exists() or folder.is_symlink():
        raise PluginProblem(f"{folder} exists already; nothing was written")
    environment = Environment(
        loader=PackageLoader("motet.api", "templates/driver"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    names = {key: getattr(new, key) for key in ("name", "transport", "package", "distribution", "cls")}
    texts = {path: environment.get_template(f"{file}.j2").render(names) for path, file in new.files().items()}
    folder.mkdir(parents=True)
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def _check_name(name: str, registry: Registry) -> None:
    if _NAME.fullmatch(name) is None or len(name) > LONGEST:
        raise PluginProblem(
            f"{name!r} cannot be the name of a driver: at most {LONGEST} small letters, digits and single underscores "
            "in between, a letter first, are allowed"
        )
    if keyword.iskeyword(name) or name in _OURS:
        raise PluginProblem(f"{name!r} cannot be the name of a driver: it means something else already")
    for kind in (Kind.DRIVER, Kind.SIMULATOR):
        found = registry.all(kind).get(name)
        if found is not None:
            raise PluginProblem(f"a {kind} named {name!r} is there already: {found.distribution} {found.version}")
