"""Help as plain text, with the commands under headings: loading rich for it would double the time that it takes."""

from typing import Any

from typer.core import TyperGroup


class Headed(TyperGroup):
    """A group whose help lists its commands under the panels that they were added with."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands in their order, each with the whole of what it does."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            if not command.hidden:
                panel = getattr(command, "rich_help_panel", None)
                heading = panel if isinstance(panel, str) else "Commands"
                panels.setdefault(heading, []).append((name, command.get_short_help_str(limit=1000)))
        for heading, rows in panels.items():
            with formatter.section(heading):
                formatter.write_dl(rows)
