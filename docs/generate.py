"""Write the reference pages that come from the code: `python docs/generate.py`; with `--check` only compare."""

import inspect
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import asyncapi_page
import driver_pages

from motet import hookspecs
from motet.contracts.declarations import Kind
from motet.plugins import Found, installed

REFERENCE = Path(__file__).parent / "reference"


def cli() -> str:
    """Every command with its options, as typer tells it."""
    command = [sys.executable, "-m", "typer", "motet.cli.app", "utils", "docs", "--name", "motet"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    return unescape(printed).replace("# `motet`", "# Command line", 1).strip() + "\n"


def plugins() -> str:
    """Every hook, and every plugin that comes with Motet, with its options."""
    lines = ["# Hooks and plugins", "", _paragraph(inspect.getdoc(hookspecs) or ""), "", "## Hooks", ""]
    for name, hook in vars(hookspecs).items():
        if name.startswith("motet_"):
            lines += [f"- `{name}()`: {_one_line(hook)}"]
    for kind in Kind:
        found = [item for item in installed().all(kind).values() if item.distribution == "motet"]
        if found:
            lines += [
                "",
                f"## {str(kind).replace('_', ' ').capitalize()}",
                "",
                "| name | what it is | options |",
                "|---|---|---|",
            ]
            lines += [_row(item) for item in found]
    return "\n".join(lines) + "\n"


def _row(item: Found) -> str:
    fields: dict[str, Any] = dict(item.declaration.options.model_fields)
    options = "; ".join(_option(name, field) for name, field in fields.items()) or "none"
    return f"| `{item.declaration.name}` | {item.declaration.doc} | {options} |"


def _option(name: str, field: Any) -> str:
    given = "required" if field.is_required() else f"default {field.get_default(call_default_factory=True)!r}"
    about = f": {field.description}" if field.description else ""
    return f"`{name}` ({given}){about}".replace("|", "\\|")


def _one_line(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").split())


def _paragraph(doc: str) -> str:
    return doc.replace("\n\n    ", "\n\n```python\n", 1).replace("\n    ", "\n") + ("\n```" if "\n    " in doc else "")


def pages() -> dict[str, str]:
    """Every generated page by its path below the reference."""
    drivers = {f"drivers/{name}.md": driver_pages.page(name) for name in driver_pages.names()}
    stations = {"asyncapi.json": asyncapi_page.document(), "asyncapi.md": asyncapi_page.page()}
    return {"cli.md": cli(), "plugins.md": plugins(), "drivers/README.md": driver_pages.index()} | stations | drivers


def main() -> int:
    """1 when a page was out of date and `--check` was given."""
    stale: list[str] = []
    made = pages()
    gone = [path for path in (REFERENCE / "drivers").glob("*.md") if f"drivers/{path.name}" not in made]
    for name, text in made.items():
        path = REFERENCE / name
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
    for path in gone:
        stale.append(f"drivers/{path.name}")
        if "--check" not in sys.argv:
            path.unlink()
    print(f"out of date: {', '.join(stale)}" if stale else "the reference is up to date")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
