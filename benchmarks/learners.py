"""Time per ask of the learners, beside scikit-learn's Gaussian process, BoTorch and, where installed, BayBE.

    python benchmarks/learners.py                      all of them, half an hour on two cores
    python benchmarks/learners.py motet_gp sklearn_gp  only these
    python benchmarks/learners.py --quick              few repeats, up to 500 values
    python benchmarks/learners.py --threads 2          more than one thread for linear algebra
    python benchmarks/learners.py --json               for programs

An ask is to tell one value, fit, and choose among a pool of 5 000 points of six columns. Each learner and size has a
process of its own. The learners of Motet are those of a campaign, with the logarithm of expected improvement: the
Gaussian process looks for hyper-parameters anew when it has 5 % more values, so that the longest ask is one with such a
search. The others are as they come, fitted anew with every value; scikit-learn's with the same kernel. Times are
without the start of the interpreter and the imports. The first ask, at which Motet's Gaussian process replays every
value told so far, is given apart. Each process has one thread, if not said otherwise: on a machine that has other
work to do, the threads of linear algebra wait for one another most of the time.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))

from learners_timed import POOL, TIMED, Problem, problem

PATIENCE_S = 120.0
"""No further repeat begins after so long."""

OURS = "motet_gp"
"""What the others are compared with."""


@dataclass(frozen=True)
class Case:
    """What is timed: a learner with so many values told."""

    who: str
    values: int
    pool: int = POOL
    asks: int = 1
    """Points asked for at once; with more than one, as many are pending."""
    goal_ms: float | None = None


@dataclass(frozen=True)
class Row:
    """What was measured of a case; times in milliseconds."""

    case: Case
    median_ms: float
    cpu_ms: float
    """The median of the processor's time: on a busy machine it says more."""
    longest_ms: float
    repeats: int
    first_ms: float
    memory_mb: float
    times_ours: float | None = None
    """The median, as a multiple of that of OURS in the same case."""
    failed: str = ""
    """Why there is no time; empty when there is."""


CASES: Sequence[Case] = (
    Case("motet_gp", 100, goal_ms=20),
    Case("motet_gp", 500, goal_ms=150),
    Case("motet_gp", 1000, goal_ms=450),
    Case("motet_gp", 300, asks=4, goal_ms=200),
    Case("motet_gp", 200, pool=100_000, goal_ms=1500),
    Case("motet_forest", 100, goal_ms=60),
    Case("motet_forest", 500),
    Case("motet_forest", 1000),
    *(Case(who, values) for who in ("sklearn_gp", "botorch", "baybe") for values in (100, 500, 1000)),
)

MEMORY_GOAL_MB = 2000
"""Of the pool of 100 000 points."""


def child(case: Case, repeats: int) -> dict[str, object]:
    """Time a case in this process."""
    given: Problem = problem(case.pool, case.values)
    learner = TIMED[case.who](given)
    learner.warm_up()
    began = time.perf_counter()
    rows = learner.ask(case.asks)
    first = time.perf_counter() - began
    times: list[float] = []
    cpu: list[float] = []
    while len(times) < repeats and (not times or sum(times) < PATIENCE_S):
        waiting = learner.ask(case.asks) if case.asks > 1 else []
        began, busy = time.perf_counter(), time.process_time()
        for row in rows:
            learner.tell(row, given.measure(row))
        rows = learner.ask(case.asks)
        times.append(time.perf_counter() - began)
        cpu.append(time.process_time() - busy)
        for row in waiting:
            learner.tell(row, given.measure(row))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"times": times, "cpu": cpu, "first": first, "memory_mb": memory}


def measured(case: Case, repeats: int, threads: int) -> Row:
    """Time a case in a process of its own."""
    command = [sys.executable, __file__, "--child", json.dumps(asdict(case)), "--repeats", str(repeats)]
    limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(command, env=os.environ | limits, check=False, capture_output=True, text=True, timeout=1800)
    if done.returncode:
        return Row(case, 0, 0, 0, 0, 0, 0, failed=done.stderr.strip().splitlines()[-1])
    found = json.loads(done.stdout.splitlines()[-1])
    times = [1e3 * seconds for seconds in found["times"]]
    cpu = 1e3 * statistics.median(found["cpu"])
    return Row(case, statistics.median(times), cpu, max(times), len(times), 1e3 * found["first"], found["memory_mb"])


def compared(rows: Sequence[Row]) -> list[Row]:
    """With each median as a multiple of ours."""
    ours = {_size(row.case): row.median_ms for row in rows if row.case.who == OURS and not row.failed}

    def times(row: Row) -> float | None:
        return None if row.failed or _size(row.case) not in ours else row.median_ms / ours[_size(row.case)]

    return [replace(row, times_ours=times(row)) for row in rows]


def _size(case: Case) -> tuple[int, int, int]:
    return case.values, case.pool, case.asks


def table(rows: Sequence[Row]) -> Table:
    """For people."""
    found = Table(title=f"Time per ask, fit included; {POOL} points of 6 columns where not said otherwise")
    found.add_column("learner")
    for column in (
        "values",
        "asks",
        "median ms",
        "goal ms",
        "x ours",
        "CPU ms",
        "longest ms",
        "first ask ms",
        "memory MB",
    ):
        found.add_column(column, justify="right")
    for row in rows:
        case = row.case
        who = case.who if case.pool == POOL else f"{case.who}, pool of {case.pool}"
        if row.failed:
            found.add_row(who, str(case.values), str(case.asks), "-", "", "", "", "", "", row.failed)
            continue
        goal = "" if case.goal_ms is None else f"{case.goal_ms:.0f}"
        memory = f"{row.memory_mb:.0f}" + (f" (<= {MEMORY_GOAL_MB})" if case.pool > POOL else "")
        times = "" if row.times_ours is None else f"{row.times_ours:.1f}"
        found.add_row(
            who,
            str(case.values),
            str(case.asks),
            f"{row.median_ms:.1f}",
            goal,
            times,
            f"{row.cpu_ms:.1f}",
            f"{row.longest_ms:.1f}",
            f"{row.first_ms:.0f}",
            memory,
        )
    return found


INSTALLED: Mapping[str, Callable[[], bool]] = {
    "sklearn_gp": lambda: find_spec("sklearn") is not None,
    "botorch": lambda: find_spec("botorch") is not None,
    "baybe": lambda: find_spec("baybe") is not None,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("learners", nargs="*", choices=[*TIMED, []], default=[])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=0, help="asks of each case; as many as suit it when left out")
    wanted = parser.parse_args()
    if wanted.child:
        print(json.dumps(child(Case(**json.loads(wanted.child)), wanted.repeats)))
        return
    rows: list[Row] = []
    notes = Console(stderr=True)
    for case in CASES:
        if (wanted.learners and case.who not in wanted.learners) or (wanted.quick and case.values > 500):
            continue
        if not INSTALLED.get(case.who, lambda: True)():
            notes.print(f"{case.who} is not installed: left out")
            continue
        ours = case.who.startswith("motet")
        repeats = wanted.repeats or ((7 if ours else 1) if wanted.quick else (41 if ours else 5))
        rows.append(measured(case, repeats, wanted.threads))
        notes.print(f"{case.who}, {case.values} values: {rows[-1].failed or f'{rows[-1].median_ms:.1f} ms'}")
    rows = compared(rows)
    if wanted.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        Console(width=None if sys.stdout.isatty() else 140).print(table(rows))


if __name__ == "__main__":
    main()
