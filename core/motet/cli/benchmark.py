"""`motet benchmark`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.exits import Exit, handled
from motet.cli.options import Json
from motet.study.replay.choices import Durations, Repeats

if TYPE_CHECKING:
    from motet.study.replay.summary import ReplaySummary

RUNS, FACTS, PAGE = "runs.csv", "results.json", "report.html"


@handled
def benchmark(
    data: Annotated[Path, typer.Argument(help="A measured table.", metavar="DATA.csv")],
    objective: Annotated[str, typer.Option(metavar="COLUMN", help="The column that was measured.")],
    maximize: Annotated[bool, typer.Option("--maximize/--minimize", help="What is wanted of it.", show_default=False)],
    learner: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Who searches, as often as you like: surrogate+acquisition+pending with options in brackets, "
            "gp+ucb(kappa=2); goal:top_set; or a file FILE.yaml.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs of each learner, each with a seed of its own.", min=1)] = 20,
    initial: Annotated[int, typer.Option(help="Points drawn at random first; 0: the learner's own start.", min=0)] = 2,
    top: Annotated[str, typer.Option(help="The points to find: a share such as 5%, or a number.")] = "5%",
    until: Annotated[str, typer.Option(help="A run ends with so much of the top set, after 30 at least.")] = "100%",
    first: Annotated[str, typer.Option(help="Tell when the first of so many best points was found.")] = "1%",
    budget: Annotated[int | None, typer.Option(help="At most so many experiments a run.", min=1)] = None,
    parameters: Annotated[
        str | None, typer.Option(metavar="COLUMN,...", help="The parameters; all other columns when left out.")
    ] = None,
    ignore: Annotated[str | None, typer.Option(metavar="COLUMN,...", help="Columns that are no parameters.")] = None,
    repeats: Annotated[
        Repeats, typer.Option(help="What rows of equal parameters come to; unique: the mean of distinct values.")
    ] = "unique",
    workers: Annotated[int, typer.Option(help="With more than one: so many against one.", min=1)] = 1,
    durations: Annotated[Durations, typer.Option(help="How long experiments last.")] = "equal",
    sigma: Annotated[float, typer.Option(help="Spread of the logarithm of lognormal durations.")] = 0.5,
    out: Annotated[Path, typer.Option(help="Folder of the results; a benchmark goes on there.")] = Path(
        "motet-benchmark"
    ),
    processes: Annotated[int | None, typer.Option(help="Processes on this machine; one a core.", min=1)] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Do failed runs of before again.")] = False,
    as_json: Json = False,
) -> None:
    """Let learners search a measured table as if it were the lab, and tell which finds its best points soonest.

    Results are kept as they come: the same command goes on where it was stopped.
    """
    from motet.api.benchmark import benchmark as run
    from motet.api.benchmark_plan import Benchmark
    from motet.api.processes import Processes
    from motet.cli.logs import unlogged
    from motet.cli.progress import counting
    from motet.model.objective import Objective
    from motet.study.replay.reading import Columns

    asked = Benchmark(
        data,
        Columns(objective, _names(parameters), _names(ignore)),
        Objective(goal="maximize" if maximize else "minimize"),
        _learners(learner or ()),
        seeds=seeds,
        initial=initial,
        top=top,
        until=until,
        first=first,
        repeats=repeats,
        budget=budget,
        workers=workers,
        durations=durations,
        sigma=sigma,
    )
    with unlogged(), counting("runs", as_json) as count:
        try:
            summary = run(
                asked,
                out,
                Processes(processes),
                retry_failed=retry_failed,
                see=lambda p: count(p.done, p.runs, p.failed),
            )
        except KeyboardInterrupt:
            print(f"stopped; what is done is kept in {out}, the same command goes on", file=sys.stderr)
            raise typer.Exit(Exit.ABORTED) from None
    _write(summary, out)
    _tell(summary, out, as_json)
    if not summary.run:
        raise typer.Exit(Exit.FAILED)


def _names(text: str | None) -> tuple[str, ...]:
    """`a, b` as names of columns."""
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else ()


def _learners(texts: Sequence[str]) -> tuple[str, ...]:
    """Names with commas between them, or an option for each. Commas in brackets separate options, not names."""
    from motet.files.inline import split

    return tuple(name for text in texts for name in split(text, ",") if name)


def _write(summary: "ReplaySummary", out: Path) -> None:
    from motet.report.page import write_whole
    from motet.study.replay.facts import facts, runs_csv
    from motet.study.replay.page import write_page

    write_whole(runs_csv(summary), out / RUNS)
    write_whole(json.dumps(facts(summary), indent=1) + "\n", out / FACTS)
    write_page(summary, out / PAGE)


def _tell(summary: "ReplaySummary", out: Path, as_json: bool) -> None:
    if as_json:
        from motet.study.replay.facts import facts

        print(json.dumps(facts(summary, curves=False) | {"report": str(out / PAGE)}))
        return
    from motet.cli.text import console
    from motet.study.replay.columns import tables
    from motet.study.replay.wording import headline, remarks

    for table in tables(summary):
        console().print(table)
    print(headline(summary))
    for remark in remarks(summary):
        print(f"- {remark}")
    print(f"report   {out / PAGE}")
    print(f"numbers  {out / RUNS}, {out / FACTS}")
