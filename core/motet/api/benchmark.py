"""Replay a measured table as the lab, for several learners and many seeds: `motet benchmark`."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from motet.api.benchmark_plan import Benchmark, Plan, plan_of
from motet.api.replay import Piece, run_piece
from motet.api.workers import Workers
from motet.plugins import installed
from motet.study.replay.run import Entry, Run
from motet.study.replay.runs import Runs
from motet.study.replay.summary import ReplaySummary, summarize

RUNS_FILE = "benchmark.db"


@dataclass(frozen=True, slots=True)
class BenchmarkProgress:
    """How far a benchmark is: runs done, those of them that failed, and all that were asked for."""

    done: int
    failed: int
    runs: int


def benchmark(
    asked: Benchmark,
    out: Path,
    workers: Workers,
    *,
    retry_failed: bool = False,
    see: Callable[[BenchmarkProgress], object] = lambda progress: None,
) -> ReplaySummary:
    """Do all runs that are not done yet, each kept in `out` as soon as it ends; then what they say.

    Raises FileProblems for a table, a learner or a number that cannot be, StoreError when `out` holds another
    benchmark.
    """
    plan = plan_of(asked, installed())
    question = plan.question
    with Runs(out / RUNS_FILE, question) as runs:
        if retry_failed:
            runs.forget_failed()
        there = runs.done()
        kept = [bool(run.error) for run in runs.all()]
        count, failed = len(kept), sum(kept)
        see(BenchmarkProgress(count, failed, question.runs))
        with closing(_runs(_missing(plan, there), workers)) as fresh:
            for run in fresh:
                runs.add(run)
                count, failed = count + 1, failed + bool(run.error)
                see(BenchmarkProgress(count, failed, question.runs))
        return summarize(runs.all(), question, plan.aim)


def _missing(plan: Plan, there: set[tuple[Entry, int]]) -> Iterator[Piece]:
    """The runs that are not done, seed by seed: a benchmark that is stopped early has compared everything so far."""
    for seed in plan.question.seeds:
        for entry in plan.question.entries:
            if (entry, seed) not in there:
                yield Piece(plan.task, plan.configs[entry.learner], entry, seed)


def _runs(pieces: Iterator[Piece], workers: Workers) -> Generator[Run]:
    with closing(workers.done(run_piece, pieces)) as done:
        for piece, run in done:
            if isinstance(run, Exception):
                yield Run(piece.entry, piece.seed, error=f"{type(run).__name__}: {run}")
            else:
                yield run
