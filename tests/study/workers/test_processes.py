"""Work on processes of this machine. The pieces are expressions, and the function is `eval`."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count, islice
from pathlib import Path
from typing import Any

import psutil
import pytest

from motet.api.processes import Processes

LONG = "__import__('time').sleep(60)"
RAISE = "(_ for _ in ()).throw"
KILL = "__import__('os').kill(__import__('os').getpid(), 9)"


def test_results_come_as_they_end(tmp_path: Path) -> None:
    path = f"__import__('pathlib').Path({str(tmp_path / 'there')!r})"
    waits = f"[__import__('time').sleep(0.01) for _ in iter({path}.exists, True)]"
    pieces = [waits, *(f"1 + {number}" for number in range(5)), f"{path}.touch()"]
    done = [piece for piece, _ in Processes(2).done(eval, pieces)]
    assert done == [*pieces[1:], waits]


def test_few_pieces_are_taken_at_once_of_however_many() -> None:
    taken: list[str] = []

    def endless() -> Iterator[str]:
        for number in count():
            taken.append(str(number))
            yield taken[-1]

    with closing(Processes(2).done(eval, endless())) as done:
        for number, _ in enumerate(islice(done, 50), 1):
            assert len(taken) <= number + 2 * 2


def test_a_piece_that_kills_its_process_is_tried_once_more_and_the_rest_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    deadly = f"print('begun', file=open({str(log)!r}, 'a'), flush=True) or __import__('os')._exit(3)"
    done = dict(Processes(2).done(eval, [*"0123", deadly, *"4567"]))
    assert {int(piece): outcome for piece, outcome in done.items() if piece != deadly} == {n: n for n in range(8)}
    assert repr(done[deadly]) == "RuntimeError('the process that worked on it died (exit code 3), 2 times')"
    assert log.read_text() == "begun\nbegun\n"


def test_a_process_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    piece = f"(p := __import__('pathlib').Path({str(tmp_path / 'once')!r})).exists() or p.touch() or {KILL}"
    assert dict(Processes(1).done(eval, ["1", piece, "2"])) == {"1": 1, piece: True, "2": 2}


@pytest.mark.parametrize(
    ("piece", "kind", "words"),
    [
        ("1 / 0", ZeroDivisionError, "division by zero"),
        ("__import__('json').loads('[')", json.JSONDecodeError, "Expecting value: line 1 column 2"),
        ("lambda: 1", RuntimeError, "function, which cannot be sent on: .*pickle"),
        (f"{RAISE}(type('Odd', (Exception,), {{}})('words'))", RuntimeError, "Odd: words, which cannot be sent on: "),
    ],
)
def test_what_a_piece_raises_comes_back_and_what_cannot_is_told(piece: str, kind: type[Any], words: str) -> None:
    ((_, outcome),) = Processes(1).done(eval, [piece])
    assert type(outcome) is kind
    assert re.match(words, str(outcome))


@pytest.mark.slow
def test_each_process_has_one_thread_of_linear_algebra_and_is_deaf_to_ctrl_c() -> None:
    threads = (
        "[__import__(name) for name in ('numpy', 'scipy.linalg', 'sklearn.ensemble')] and "
        "{lib['num_threads'] for lib in __import__('threadpoolctl').threadpool_info()}"
    )
    blocked = "2 in __import__('signal').pthread_sigmask(0, [])"
    assert dict(Processes(2).done(eval, [threads, blocked])) == {threads: {1}, blocked: True}


def test_closing_ends_what_is_being_worked_on_at_once() -> None:
    before = set(psutil.Process().children())
    began = time.monotonic()
    with closing(Processes(2).done(eval, ["1", LONG, LONG])) as done:
        assert next(done) == ("1", 1)
        assert set(psutil.Process().children()) - before
    assert time.monotonic() - began < 30
    left = {child for child in set(psutil.Process().children()) - before if "spawn_main" in " ".join(child.cmdline())}
    assert not left


def test_processes_do_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from motet.api.processes import Processes\n"
        "if __name__ == '__main__':\n"
        f"    for piece, outcome in Processes(2).done(eval, [\"__import__('os').getpid()\", {LONG!r}, {LONG!r}]):\n"
        "        print(outcome, flush=True)\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        parent.stdout.readline()
        children = psutil.Process(parent.pid).children()
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(30)
    assert len(children) >= 2
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive


def test_a_script_without_a_guard_is_told_what_it_needs(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from motet.api.processes import Processes\nprint(list(Processes(1).done(eval, ['1'])))\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "could not start: it ended with exit code 1" in done.stderr
    assert "if __name__ == '__main__':" in done.stderr
