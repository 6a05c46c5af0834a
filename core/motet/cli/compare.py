"""`motet compare`."""

import json
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.exits import Exit, handled
from motet.cli.options import Json

if TYPE_CHECKING:
    from motet.api.workers import Workers
    from motet.study.summary import StudySummary


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)


SHOWN = 12
"""How many comparisons (by the first measure) and failures are told on the terminal; the report has all of them."""


@handled
def compare(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.", metavar="CAMPAIGN.yaml")],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE,VALUE",
            help="What to vary: learner (surrogate+acquisition), start, surrogate, acquisition, pending, suggest, "
            "stations, learner_time. Options of a plugin in brackets: rf(trees=100).",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Campaigns of each combination, each with a seed of its own.", min=1)] = 20,
    out: Annotated[Path, typer.Option(help="Folder of the results and the report; a study goes on there.")] = Path(
        "motet-study"
    ),
    target: Annotated[float | None, typer.Option(help="A value of the first objective to reach.")] = None,
    percentile: Annotated[
        float, typer.Option(help="How much of the space counts as its top, per cent.", min=0.001, max=100)
    ] = 1.0,
    full: Annotated[bool, typer.Option("--full", help="With RunEngines and documents, not fast.")] = False,
    check: Annotated[
        int, typer.Option(help="Experiments run fast and in full beforehand, and compared; 0: none.", min=0)
    ] = 4,
    processes: Annotated[int | None, typer.Option(help="Processes on this machine; one a core.", min=1)] = None,
    dask: Annotated[
        str | None, typer.Option(help="A Dask cluster instead, by its scheduler.", metavar="tcp://HOST:8786")
    ] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed trials of before again.")] = False,
    as_json: Json = False,
) -> None:
    """Simulate every combination of what is varied, and tell which is better and by how much.

    Results are kept as they come: the same command goes on where it was stopped.
    """
    from motet.api.compare import PAGE_FILE, Study
    from motet.api.compare import compare as run
    from motet.cli.logs import unlogged
    from motet.cli.progress import counting
    from motet.study.facts import facts
    from motet.study.page import write_page

    study = Study(campaign, _varied(vary or []), seeds, target, percentile, fast=not full, check=check)
    with unlogged(), _workers(dask, processes) as workers, counting("campaigns", as_json) as count:
        try:
            summary = run(
                study,
                out,
                workers,
                retry_failed=retry_failed,
                warn=_warn,
                see=lambda p: count(p.done, p.trials, p.failed),
            )
        except KeyboardInterrupt:
            print(f"stopped; what is done is kept in {out}, the same command goes on", file=sys.stderr)
            raise typer.Exit(Exit.ABORTED) from None
    page = out / PAGE_FILE
    write_page(summary, summary.question, page)
    if as_json:
        print(json.dumps(facts(summary) | {"report": str(page)}))
    else:
        _conclude(summary, page)
    if not summary.run:
        raise typer.Exit(Exit.FAILED)


def _conclude(summary: "StudySummary", page: Path) -> None:
    from motet.cli.text import console
    from motet.study.table import table
    from motet.study.wording import conclusions, headline

    console().print(table(summary))
    print(headline(summary))
    said = conclusions(summary)
    for comparison, sentence in said[:SHOWN]:
        if comparison.measure is said[0][0].measure:
            print(f"- {sentence}")
    for trial in summary.failed[:SHOWN]:
        print(f"failed   {trial.label}, seed {trial.seed}: {trial.reason}")
    if len(summary.failed) > SHOWN:
        print(f"         and {len(summary.failed) - SHOWN} more, all in the report")
    print(f"report   {page}")


def _varied(vary: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """`stations=1,2` as name and values. Commas in brackets separate options, not values."""
    import re

    from motet.errors import FileProblems, Problem

    found: dict[str, tuple[str, ...]] = {}
    for text in vary:
        name, separator, values = text.partition("=")
        listed = tuple(value.strip() for value in re.split(r",(?![^(]*\))", values))
        if not separator or not name or not all(listed) or name in found or len(set(listed)) < len(listed):
            allowed = "NAME=VALUE,VALUE is needed, each name and each value once"
            raise FileProblems([Problem("--vary", None, "", repr(text), allowed)])
        found[name.strip()] = listed
    return found


@contextmanager
def _workers(address: str | None, processes: int | None) -> "Generator[Workers]":
    if address is None:
        from motet.api.processes import Processes

        yield Processes(processes)
        return
    from motet.api.cluster import dask

    with dask(address) as cluster:
        yield cluster
