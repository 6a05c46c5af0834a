"""The report and the exports of a campaign as files."""

from contextlib import nullcontext
from pathlib import Path
from typing import TextIO

from motet.contracts.declarations import Kind
from motet.plugins import Registry, installed
from motet.store import Reader


def store_path(data: Path) -> Path:
    """The store in a data folder."""
    return data / "motet.db"


def write_report(data: Path, campaign: str, out: Path | None = None) -> Path:
    """Write a campaign's HTML report, by default into its folder, and give its path. Raises NotFound."""
    from motet import report  # plotly takes its time, and most who look for a store want no report

    reader = Reader(store_path(data))
    identity = reader.campaign(campaign).summary.id
    out = out or data / identity / "report.html"
    out.parent.mkdir(parents=True, exist_ok=True)
    return report.write_report(reader, identity, out)


def write_export(
    data: Path, campaign: str, exporter: str, out: Path | TextIO, registry: Registry | None = None
) -> None:
    """Write a campaign's experiments with an exporter plugin to a file or stream. Raises NotFound, PluginProblem."""
    plugin = (registry or installed()).make(Kind.EXPORTER, exporter, {})
    reader = Reader(store_path(data))
    rows = reader.export_rows(reader.campaign(campaign).summary.id)
    if isinstance(out, Path):
        out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="", encoding="utf-8") if isinstance(out, Path) else nullcontext(out) as stream:
        plugin.write(rows, stream)
