"""`make torture` in its short form, one proof at a time; and that it can tell when something is wrong."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from motet.model.experiment import State, Suggestion
from motet.store import Change, ExperimentRow, Stamp, Transition
from motet_testing.mosquitto import program
from motet_torture import audit
from motet_torture.__main__ import proved
from motet_torture.ledger import DISPENSED, STOPPED, Ledger, Reading, counted
from motet_torture.processes import TooLate, running, until
from motet_torture.proofs import Beside, Measured, Proof, Row, Trial, at_least, at_most, count
from motet_torture.proving import PROOFS
from motet_torture.simulated_doser import value_of
from motet_torture.table import ended, in_lanes, row_of

BROKERS = ("orchestrator-killed-remote", "station-killed", "broker", "proxy", "estop", "clock")


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", PROOFS)
async def test_the_bars_are_met(name: str, tmp_path: Path) -> None:
    if name in BROKERS and program() is None:
        pytest.skip("mosquitto not found: apt-get install mosquitto")
    row = await proved(PROOFS[name], tmp_path, short=True, seed=1)
    assert row.met, "\n".join(f"{one.what}: {one.figure}; {one.bar}" for one in row.measured if not one.met)


def row(number: int, x: int, state: State = State.DONE, y: float | None = None) -> ExperimentRow:
    values = {"y": value_of(x) if y is None else y} if state is State.DONE else {}
    suggestion = Suggestion({"x": x}, "because", id=str(number))
    return ExperimentRow(f"torture-1/{number}", number, state, suggestion, values, "", "s1", 0.0, (), 1.0)


def test_a_dispense_too_many_is_counted_and_one_too_few() -> None:
    rows = [row(1, 10), row(2, 20, State.FAILED), row(3, 20), row(4, 30)]
    assert audit.repeated(rows, {10: 1, 20: 2, 30: 1}) == 0
    assert audit.repeated(rows, {10: 2, 20: 3, 30: 1}) == 2
    assert audit.missing(rows, {10: 1, 20: 2, 30: 1}) == 0
    assert audit.missing(rows, {10: 1, 20: 1}) == 1
    assert audit.missing(rows, {10: 1, 20: 1, 30: 1, 40: 1}) == 1


def test_wrong_values_and_second_endings_are_counted() -> None:
    assert audit.wrong_values([row(1, 10), row(2, 20, y=value_of(20) + 1e-6)]) == 1
    changes = (Change.PLANNED, Change.RUNNING, Change.DONE)
    story = [Transition("torture-1/1", change, "s1", 1, "", Stamp(0.0, 0.0)) for change in changes]
    assert audit.endings(story) == 0
    assert audit.endings([*story, story[-1]]) == 1


def test_a_ledger_outlives_its_writer_and_counts_by_point(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    for what, x in ((DISPENSED, 1), (STOPPED, 1), (DISPENSED, 2), (DISPENSED, 1)):
        ledger.write("d1", what, x)
    ledger.close()
    with (tmp_path / "ledger").open("a") as begun:
        begun.write('{"instrument": "d1", "what"')
    assert counted(tmp_path / "ledger") == {1: 2, 2: 1}
    assert counted(tmp_path / "none") == {}


def test_a_ledger_that_is_read_again_has_what_was_added(tmp_path: Path) -> None:
    reading = Reading(tmp_path / "ledger")
    assert reading.entries() == []
    first = b'{"instrument": "d1", "what": "dispensed", "x": 7, "at": 1.0, "wall": 2.0}\n'
    (tmp_path / "ledger").write_bytes(first + first[:20])
    assert [entry.x for entry in reading.entries()] == [7], "a line that is just being written is left for later"
    with (tmp_path / "ledger").open("ab") as file:
        file.write(first[20:])
    assert reading.dispensed() == {7: 2}


def test_bars() -> None:
    assert at_most("", 1.0, 1.0, "s").met
    assert not at_most("", 1.01, 1.0, "s").met
    assert not at_most("", float("nan"), 1.0, "s").met
    assert not at_least("", 0.94, 0.95).met
    assert not count("", 1).met


async def test_what_cannot_be_measured_is_a_bar_that_is_missed(tmp_path: Path) -> None:
    async def prove(trial: Trial) -> Sequence[Measured]:
        await asyncio.sleep(60)
        raise AssertionError

    found = await proved(Proof("never", "it hangs", prove, longest_s=0.05), tmp_path, short=True, seed=1)
    assert not found.met
    assert "TimeoutError" in found.measured[0].figure


async def test_what_has_bars_of_milliseconds_is_run_alone_and_the_rest_side_by_side() -> None:
    kinds = [Beside.ANYTHING, Beside.CALM, Beside.NOTHING] * 4
    proofs = [Proof(f"{number}", "", never, beside=kind) for number, kind in enumerate(kinds)]
    going: list[Proof] = []
    seen: dict[Beside, int] = dict.fromkeys(Beside, 0)

    async def row(proof: Proof) -> Row:
        going.append(proof)
        assert {one.beside for one in going} == {proof.beside}
        seen[proof.beside] = max(seen[proof.beside], len(going))
        await asyncio.sleep(0)
        going.remove(proof)
        return Row(proof.name, proof.fault, 0.0, [count("", 0)])

    shown: list[Row] = []
    rows = await in_lanes(proofs, row, shown.append)
    assert sorted(int(row.proof) for row in rows) == list(range(12))
    assert shown == rows
    assert seen == {Beside.NOTHING: 1, Beside.CALM: 3, Beside.ANYTHING: 3}


async def never(trial: Trial) -> Sequence[Measured]:
    raise AssertionError(trial)


def test_a_row_is_the_same_after_its_way_from_another_process() -> None:
    row = Row("estop", "pressed", 1.5, [at_most("late", 12.0, 10.0, "ms")])
    assert row_of(json.loads(json.dumps(asdict(row)))) == row
    assert not row.met


async def test_a_proof_that_is_cut_short_is_told_to_end_what_it_has_started(tmp_path: Path) -> None:
    code = """if True:
        import pathlib, signal, sys
        file = pathlib.Path(sys.argv[1])
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(file.write_text("ended")))
        file.write_text("began")
        signal.pause()
    """
    told = tmp_path / "told"
    running = asyncio.create_task(ended([sys.executable, "-c", code, str(told)], 600))
    await until(lambda: told.exists() and told.read_text() == "began", "it begins", 20)
    running.cancel()
    await asyncio.wait([running])
    assert told.read_text() == "ended"


async def test_nothing_is_left_of_a_process_and_of_what_it_started(tmp_path: Path) -> None:
    code = "import subprocess, sys; print(subprocess.Popen(['sleep', '600']).pid, flush=True); sys.stdin.read()"
    async with running(tmp_path) as programs:
        started = await programs.start("parent", sys.executable, "-c", f"{code}; import time; time.sleep(600)")
        child = psutil.Process(int(await started.says("", 20)))
        started.freeze()
        with pytest.raises(TooLate, match="has not said 'hello'"):
            await started.says("hello", 0.1)
    assert not started.alive
    _, alive = await asyncio.to_thread(psutil.wait_procs, [child], timeout=10)
    assert all(one.status() == psutil.STATUS_ZOMBIE for one in alive), "nobody has to have waited for it"
