"""Benchmarks in this process: learners by their names, runs that are the same again, and what is refused."""

from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from motet.api.benchmark import benchmark
from motet.api.benchmark_plan import Benchmark
from motet.api.learners import learner_named
from motet.errors import FileProblems, StoreError
from motet.model.objective import Objective
from motet.model.values import PluginRef
from motet.study.replay.reading import Columns
from motet.study.replay.replaying import first_points
from motet.study.replay.runs import stored_runs

T = TypeVar("T")
R = TypeVar("R")


class Here:
    """Does the work in this process, one piece after another, and none beyond `most`."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most

    def done(self, function: Callable[[T], R], pieces: Iterable[T]) -> Generator[tuple[T, R | Exception]]:
        for number, piece in enumerate(pieces):
            if number == self.most:
                raise KeyboardInterrupt
            yield piece, function(piece)


def hill(folder: Path) -> Path:
    """A smooth hill over 8 x 8 points, with a column that counts the rows."""
    lines = ["number,a,b,y"]
    for number, (a, b) in enumerate((a, b) for a in range(8) for b in range(8)):
        lines.append(f"{number},{a},{b},{-((a - 5) ** 2) - 0.5 * (b - 2) ** 2}")
    path = folder / "hill.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def asked(folder: Path, *learners: str, **changes: Any) -> Benchmark:
    columns = Columns("y", ignore=("number",))
    fields: dict[str, Any] = {"seeds": 2, "top": "4", "until": "100%"} | changes
    return Benchmark(hill(folder), columns, Objective(goal="maximize"), learners, **fields)


def orders(path: Path) -> dict[tuple[str, int, int], tuple[int, ...]]:
    return {(run.entry.learner, run.entry.workers, run.seed): run.order for run in stored_runs(path)}


def test_a_model_finds_the_top_of_a_hill_sooner_than_chance(tmp_path: Path) -> None:
    """All learners begin with the same points, and the random acquisition is random choice."""
    summary = benchmark(asked(tmp_path, "gp+ucb(kappa=1)", "gp+random"), tmp_path / "out", Here())
    gp, chance = summary.entries
    assert (gp.entry.learner, chance.entry.learner) == ("gp+ucb(kappa=1)", "gp+random")
    assert gp.n80.mean is not None
    assert gp.n80.mean < 25
    assert summary.random_n80 == 52
    found = orders(tmp_path / "out" / "benchmark.db")
    assert len(found) == 4
    for (_, _, seed), order in found.items():
        assert list(order[:2]) == first_points(64, 2, seed)
        assert len(set(order)) == len(order)


def test_the_same_seed_gives_the_same_run_whatever_the_order_of_rows(tmp_path: Path) -> None:
    wanted = asked(tmp_path, "rf(trees=5)+lcb", seeds=1, budget=12)
    benchmark(wanted, tmp_path / "one", Here())
    head, *lines = wanted.data.read_text().splitlines()
    wanted.data.write_text("\n".join([head, *reversed(lines)]) + "\n")
    benchmark(wanted, tmp_path / "two", Here())
    one, two = (orders(tmp_path / name / "benchmark.db") for name in ("one", "two"))
    assert one == two
    assert len(next(iter(one.values()))) == 12


def test_an_interrupted_benchmark_goes_on_where_it_was(tmp_path: Path) -> None:
    wanted = asked(tmp_path, "gp+ucb", "gp+random", seeds=3, budget=6)
    with pytest.raises(KeyboardInterrupt):
        benchmark(wanted, tmp_path / "out", Here(most=3))
    half = orders(tmp_path / "out" / "benchmark.db")
    assert list(half) == [("gp+random", 1, 0), ("gp+ucb", 1, 0), ("gp+ucb", 1, 1)]
    seen: list[tuple[int, int, int]] = []
    summary = benchmark(wanted, tmp_path / "out", Here(), see=lambda p: seen.append((p.done, p.failed, p.runs)))
    assert seen == [(3, 0, 6), (4, 0, 6), (5, 0, 6), (6, 0, 6)]
    assert summary.run == 6
    whole = benchmark(wanted, tmp_path / "whole", Here())
    assert orders(tmp_path / "out" / "benchmark.db") == orders(tmp_path / "whole" / "benchmark.db")
    assert [one.n80 for one in whole.entries] == [one.n80 for one in summary.entries]


def test_several_workers_run_beside_one_and_are_quicker(tmp_path: Path) -> None:
    wanted = asked(tmp_path, "gp+ucb", workers=4, durations="lognormal", sigma=0.3)
    summary = benchmark(wanted, tmp_path / "out", Here())
    four = next(one for one in summary.entries if one.entry.workers == 4)
    assert four.parallel is not None
    assert four.parallel.seeds == 2
    assert four.parallel.speed_up.mean is not None
    assert four.parallel.speed_up.mean > 1.5


def test_without_first_points_the_learner_has_its_own_start(tmp_path: Path) -> None:
    wanted = asked(tmp_path, "gp+ucb+start=grid(n=4)", initial=0, budget=4, seeds=1)
    benchmark(wanted, tmp_path / "b", Here())
    (order,) = orders(tmp_path / "b" / "benchmark.db").values()
    corners = {0, 7, 56, 63}
    assert set(order) == corners


def test_another_table_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    wanted = asked(tmp_path, "gp+ucb", seeds=1, budget=3)
    benchmark(wanted, tmp_path / "out", Here())
    wanted.data.write_text(wanted.data.read_text().replace("-12.5", "-12.6"))
    with pytest.raises(StoreError, match=r"hill\.csv holds other numbers than hill\.csv did"):
        benchmark(wanted, tmp_path / "out", Here())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"top": "0%"}, "--top: found '0%'; a share above 0 %"),
        ({"top": "100%"}, "--top: found the 64 best of 64 points"),
        ({"until": "none"}, "--until: found 'none'; a share above 0 %"),
        ({"first": "0"}, "--first: found '0'; a share above 0 %"),
        ({"initial": 64}, "--initial: found 64; from 0 to 63 of the 64 points"),
        ({"seeds": 0}, "--seeds: found 0; a whole number from 1 is needed"),
        ({"workers": 0}, "--workers: found 0; a whole number from 1 is needed"),
        ({"budget": 0}, "--budget: found 0; a whole number from 1 is needed"),
        ({"sigma": -1.0}, "--sigma: found -1; a number from 0 to 5 is needed"),
    ],
)
def test_numbers_that_do_not_go_with_the_table_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(FileProblems) as caught:
        benchmark(asked(tmp_path, "gp+ucb", **changes), tmp_path / "out", Here())
    assert str(caught.value).startswith(message)
    assert not (tmp_path / "out").exists()


def test_a_table_in_which_all_values_are_equal_has_no_top(tmp_path: Path) -> None:
    wanted = asked(tmp_path, "gp+ucb")
    wanted.data.write_text("number,a,y\n1,1,5\n2,2,5\n3,3,5\n")
    with pytest.raises(FileProblems, match="--top: found the 3 best of 3 points, equal values counted"):
        benchmark(wanted, tmp_path / "out", Here())


@pytest.mark.parametrize(
    ("learners", "messages"),
    [
        ((), ["--learner: found none; at least one learner is needed"]),
        (("gpp+ucb", "gp+ucbb"), ["found 'gpp+ucb'; no surrogate named 'gpp'", "no acquisition named 'ucbb'"]),
        (("rf", "rf"), ["found 'rf' twice; each learner once"]),
        (("rf(tree=5)",), ["found 'rf(tree=5)'", "tree"]),
        (("rf(trees=5+lcb",), ["found 'rf(trees=5+lcb'; surrogate", "a comma or ')' is needed"]),
        (("a+b+c+d",), ["'d' is one part too many"]),
        (("gp+gaol:best",), ["no part of a learner is called 'gaol'; did you mean 'goal'?"]),
        (("gp+goal:bets",), ["goal: Input should be 'best'"]),
        (("gp+surrogate=rf",), ["the surrogate is there twice"]),
        (("",), ["SURROGATE+ACQUISITION+PENDING"]),
        (("none.yaml",), ["none.yaml: found no such file"]),
    ],
)
def test_learners_that_cannot_be_are_refused(tmp_path: Path, learners: tuple[str, ...], messages: list[str]) -> None:
    with pytest.raises(FileProblems) as caught:
        benchmark(asked(tmp_path, *learners), tmp_path / "out", Here())
    for message in messages:
        assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("gp", {"surrogate": PluginRef(name="gp")}),
        (
            "rf(trees=9)+lcb(kappa=2)+believer",
            {
                "surrogate": PluginRef(name="rf", options={"trees": 9}),
                "acquisition": PluginRef(name="lcb", options={"kappa": 2}),
                "pending": PluginRef(name="believer"),
            },
        ),
        ("goal:top_set", {"goal": "top_set"}),
        ("goal=best+gp", {"goal": "best", "surrogate": PluginRef(name="gp")}),
        (
            "gp+pending=none+repeats=true",
            {"surrogate": PluginRef(name="gp"), "pending": PluginRef(name="none"), "repeats": True},
        ),
        ("acquisition:ei", {"acquisition": PluginRef(name="ei")}),
    ],
)
def test_what_a_name_leaves_out_stays_open(text: str, parts: dict[str, Any]) -> None:
    config = learner_named(text)
    assert {name: getattr(config, name) for name in config.model_fields_set} == parts


def test_a_learner_may_be_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("surrogate: {rf: {trees: 7}}\nacquisition: ei\n")
    config = learner_named(str(path))
    assert config.surrogate == PluginRef(name="rf", options={"trees": 7})
    assert config.model_fields_set == {"surrogate", "acquisition"}
    path.write_text("surogate: rf\n")
    with pytest.raises(FileProblems, match=r"mine\.yaml:1: surogate: .*did you mean 'surrogate'"):
        learner_named(str(path))


def test_time_per_ask_is_measured_for_every_ask(tmp_path: Path) -> None:
    benchmark(asked(tmp_path, "gp+ucb", seeds=1, budget=9), tmp_path / "out", Here())
    (run,) = stored_runs(tmp_path / "out" / "benchmark.db")
    assert len(run.ask_s) == 7
    assert all(0 < second < 10 for second in run.ask_s)
    assert np.all(np.diff(run.ended) == 1)
