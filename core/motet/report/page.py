"""Writes the page: figures and tables in a template, with the plotting library inside."""

import os
import time
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from motet import __version__
from motet.report import tables
from motet.report.calibration import calibration
from motet.report.found_classes import found_classes
from motet.report.front import front
from motet.report.growth import growth
from motet.report.happened import happened
from motet.report.maps import maps
from motet.report.material import Material
from motet.report.notes import notes
from motet.report.progress import progress
from motet.report.sample_rows import sample_rows
from motet.report.style import Plot
from motet.report.timeline import timeline
from motet.store import Reader
from motet.store.words import wishes

MAPPED = 4
"""Maps are drawn of so many objectives."""


def write_report(reader: Reader, campaign_id: str, out: Path) -> Path:
    """Write the report of a campaign, ended or running, to the file `out` and give its path.

    The page needs no network: styles, scripts and data are inside it, and it forbids itself to load anything.
    An older file of that name is replaced in one step. Raises NotFound for an unknown campaign, StoreError
    for a store that cannot be read, OSError when `out` cannot be written.
    """
    detail = reader.campaign(campaign_id)
    key = detail.summary.id
    material = Material(detail, tuple(reader.experiments(key)), tuple(reader.events(key)))
    page = environment("motet.report").get_template("report.html.j2").render(_context(reader, material))
    write_whole(page, out)
    return out


def write_whole(page: str, out: Path) -> None:
    """Write a page so that nobody ever sees a part of it. Raises OSError when `out` cannot be written."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        partial.write_text(page, encoding="utf-8")
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def plots(material: Material) -> list[Plot]:
    """Every figure that this campaign has something to show for, in the order of the page."""
    names = tuple(material.detail.objectives)
    found = [front(material), growth(material)]
    found += [found_classes(material, n) if material.classes(n) else progress(material, n) for n in names]
    found += [plot for name in names[:MAPPED] for plot in maps(material, name)]
    found += [calibration(material), *notes(material), timeline(material)]
    return [plot for plot in found if plot is not None]


def _context(reader: Reader, material: Material) -> dict[str, Any]:
    detail = material.detail
    shown = plots(material)
    front_columns, front_rows = tables.front(material)
    return {
        "campaign": detail.summary,
        "detail": detail,
        "started": tables.moment(detail.summary.started),
        "ended": tables.moment(detail.summary.ended),
        "written": tables.moment(time.time()),
        "goals": wishes(material.wanted),
        "tiles": tables.tiles(material),
        "plots": shown,
        "figures": [plot.figure for plot in shown],
        "stations": tables.station_use(material),
        "front_columns": front_columns,
        "front": front_rows,
        "without_model": tables.without_model(material),
        "failures": tables.failures(material),
        "happened": happened(reader.events(detail.summary.id), reader.questions(detail.summary.id)),
        "samples": sample_rows(material),
        "columns": tables.experiment_columns(material),
        "experiments": tables.experiments(material),
        "hidden": max(0, len(material.rows) - tables.MOST),
        "files": reader.files(detail.summary.id),
        "version": __version__,
        "plotly_js": get_plotlyjs(),
    }


def environment(*packages: str) -> Environment:
    """Where a page's template, styles and scripts come from: the `templates` of these packages, the first one first."""
    return Environment(
        loader=ChoiceLoader([PackageLoader(package, "templates") for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
