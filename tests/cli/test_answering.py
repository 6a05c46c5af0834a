"""Questions to people on the real path: `motet run` at a pseudo-terminal, `motet answer` from another process."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from motet.api.run import Options, Run, load
from motet.errors import AnswerProblem, ConnectionProblem
from motet.model.events import Event, QuestionAsked
from motet.store import Reader

LAB = """\
lab: bench
broker: embedded
stations:
  cell:
    devices:
      scales: {driver: manual, options: {answer: number, unit: mg, low: 0, high: 1000}, simulator: {answer: 5}}
  cell2:
    devices:
      scales: {driver: manual, options: {answer: number, unit: mg, low: 0, high: 1000}, simulator: {answer: 5}}
procedures:
  weigh:
    parameters: {x: null}
    steps:
      - scales.ask: {question: What do the scales show?}
"""
CAMPAIGN = """\
campaign: weighing
lab: lab.yaml
stations: [cell]
parameters: {x: {type: stepped, low: 0, high: 5, step: 1}}
objectives: {mass: {goal: maximize, unit: mg}}
procedure: weigh
analysis: {plateau: {signal: ask.answer, output: mass}}
budget: {experiments: 1}
"""
TIMEOUT_S = 40


@dataclass
class Bench:
    """A lab where people do everything, in a folder of its own."""

    folder: Path
    started: list["subprocess.Popen[str]"] = field(default_factory=list["subprocess.Popen[str]"])
    terminals: list[int] = field(default_factory=list[int])

    def change(self, file: str, before: str, after: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.PIPE) -> "Process":
        environment = {key: value for key, value in os.environ.items() if key not in ("MOTET_DATA", "COLUMNS")}
        process = subprocess.Popen(
            [sys.executable, "-m", "motet", *arguments],
            cwd=self.folder,
            env=environment | {"TERM": "xterm"},
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE if stdout == subprocess.PIPE else stdout,
            text=True,
            start_new_session=True,
            preexec_fn=None if stdin == subprocess.DEVNULL else _take_terminal,  # noqa: PLW1509 - no threads here
        )
        self.started.append(process)
        return process

    def motet(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments)
        out, err = process.communicate(timeout=TIMEOUT_S)
        return subprocess.CompletedProcess([*arguments], process.returncode, out, err)

    def terminal(self) -> "Terminal":
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
        self.terminals += [ours, theirs]
        return Terminal(self, ours, theirs)

    @property
    def reader(self) -> Reader:
        return Reader(self.folder / "motet-data" / "motet.db")

    def until_asked(self, number: int) -> None:
        """Wait until so many questions were asked."""
        deadline = time.monotonic() + TIMEOUT_S
        while len(self.reader.questions("weighing")) < number:
            assert time.monotonic() < deadline, f"question {number} was never asked"


Process = subprocess.Popen[str]


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@dataclass
class Terminal:
    """A terminal with `motet run` in the foreground: what it shows, and what is typed."""

    bench: Bench
    ours: int
    theirs: int
    shown: str = ""

    def run(self, *arguments: str) -> Process:
        self.process = self.bench.start("run", "campaign.yaml", *arguments, stdin=self.theirs, stdout=self.theirs)
        return self.process

    def wait_for(self, pattern: str) -> None:
        """Until the screen has shown it; what was before is forgotten."""
        deadline = time.monotonic() + TIMEOUT_S
        while (found := re.search(pattern, self.shown)) is None:
            ready, _, _ = select.select([self.ours], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{pattern!r} was never shown; shown: {self.shown[-3000:]}"
            self.shown += os.read(self.ours, 65536).decode(errors="replace")
        self.shown = self.shown[found.end() :]

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def end(self) -> int:
        """The exit code; what it still says is read away, as otherwise it could not end."""
        deadline = time.monotonic() + TIMEOUT_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.shown[-3000:]
            ready, _, _ = select.select([self.ours], [], [], 0.05)
            if ready:
                self.shown += os.read(self.ours, 65536).decode(errors="replace")
        return self.process.returncode

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.theirs)[3] & termios.ECHO)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "lab.yaml").write_text(LAB)
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
    made = Bench(tmp_path)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
    for terminal in made.terminals:
        os.close(terminal)


def _lines(process: Process, needle: str) -> str:
    """The line that holds it, once it is printed."""
    assert process.stdout is not None
    for line in process.stdout:
        if needle in line:
            return line
    raise AssertionError(f"{needle!r} was never printed")


def test_an_answer_is_typed_at_the_terminal_that_runs_the_campaign(bench: Bench) -> None:
    terminal = bench.terminal()
    terminal.run()
    terminal.wait_for(r"question 1 of cell-scales \(experiment 1, x = \d\): What do the scales show\?")
    terminal.wait_for(r"a number in \[0, 1000\] mg > ")
    assert not terminal.echoes
    terminal.type("twelve\r")
    terminal.wait_for(r"the answer 'twelve' will not do: a number in \[0, 1000\] mg is needed")
    terminal.type("\x1b[A13\x7f2.5")
    terminal.wait_for("> 12.5█")
    terminal.type("\r")
    terminal.wait_for(r"question 1 answered: 12\.5 mg")
    assert terminal.end() == 0
    assert terminal.echoes
    (row,) = bench.reader.experiments("weighing")
    assert row.values == {"mass": 12.5}


@pytest.mark.slow
def test_the_terminal_answers_several_stations_in_any_order_and_ctrl_c_works(bench: Bench) -> None:
    bench.change("campaign.yaml", "[cell]", "[cell, cell2]")
    bench.change("campaign.yaml", "experiments: 1", "experiments: 4")
    terminal = bench.terminal()
    process = terminal.run()
    terminal.wait_for("Tab goes to the next question")
    terminal.type("\t22\r")
    terminal.wait_for("question 2 answered: 22 mg")
    bench.until_asked(3)
    process.send_signal(signal.SIGINT)
    terminal.wait_for("stopping after the current experiments")
    terminal.type("11\r")
    terminal.wait_for("question 1 answered: 11 mg")
    process.send_signal(signal.SIGINT)
    terminal.wait_for("question 3 withdrawn: the campaign was aborted")
    assert terminal.end() == 130
    assert terminal.echoes
    answers = {row.question.device: row.closed.answer for row in bench.reader.questions("weighing")[:2]}
    assert answers == {"cell-scales": 11.0, "cell2-scales": 22.0}


@pytest.mark.slow
def test_an_answer_can_be_typed_where_only_the_input_is_a_terminal(bench: Bench) -> None:
    terminal = bench.terminal()
    process = bench.start("run", "campaign.yaml", stdin=terminal.theirs)
    line = _lines(process, "question 1")
    assert "type it, then Enter, or answer with `motet answer weighing-1 VALUE --question 1`" in line
    terminal.type("7 mg\n")
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    assert bench.reader.questions("weighing")[0].closed.answer == 7.0


@pytest.mark.slow
def test_another_process_lists_and_answers_questions(bench: Bench) -> None:
    process = bench.start("run", "campaign.yaml")
    line = _lines(process, "question 1")
    assert "[a number in [0, 1000] mg]; answer with `motet answer weighing-1 VALUE --question 1`" in line
    assert "type it" not in line
    (asked,) = json.loads(bench.motet("questions", "weighing", "--json").stdout)
    assert (asked["question"], asked["device"], asked["state"]) == (1, "cell-scales", "open")
    assert asked["needed"] == {"answer": "number", "unit": "mg", "low": 0.0, "high": 1000.0}
    refused = bench.motet("answer", "weighing", "-5")
    assert refused.returncode == 2
    assert "question 1 of cell-scales: the answer -5.0 will not do: a number in [0, 1000] mg" in refused.stderr
    assert "Traceback" not in refused.stderr
    done = bench.motet("answer", "weighing", "0.5 g", "--question", "1")
    assert done.stdout == "question 1 answered: 500 mg\n", done.stderr
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    assert bench.reader.experiments("weighing")[0].values == {"mass": 500.0}


@pytest.mark.slow
def test_pausing_works_meanwhile_and_show_tells_what_is_open(bench: Bench) -> None:
    bench.change("campaign.yaml", "experiments: 1", "experiments: 2")
    process = bench.start("run", "campaign.yaml")
    _lines(process, "question 1")
    shown = bench.motet("show", "weighing").stdout
    assert "asks     1 cell-scales (experiment 1, x = " in shown
    assert "answer: `motet answer weighing-1 VALUE --question 1`" in shown
    assert bench.motet("pause", "weighing").stdout.strip() == "paused"
    assert bench.motet("answer", "weighing", "5").returncode == 0
    late = bench.motet("answer", "weighing", "6", "--question", "1")
    assert late.returncode == 2
    assert "question 1 of cell-scales is answered already: 5 mg; none is open" in late.stderr
    assert bench.motet("questions", "weighing").stdout == "no question is open\n"
    assert bench.motet("resume", "weighing").stdout.strip() == "running"
    _lines(process, "question 2")
    assert bench.motet("abort", "weighing").stdout.strip() == "aborting"
    out, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    assert "question 2 withdrawn: the campaign was aborted" in out
    every = bench.motet("questions", "weighing", "--all").stdout.splitlines()
    assert [re.search(r"\[(\w+): ", line)[1] for line in every] == ["answered", "withdrawn"]  # pyright: ignore[reportOptionalSubscript]
    assert (
        "asked    2 questions; `motet questions weighing-1 --all` lists them" in bench.motet("show", "weighing").stdout
    )


@pytest.mark.slow
def test_with_neither_terminal_nor_broker_nothing_is_started(bench: Bench) -> None:
    bench.change("lab.yaml", "broker: embedded", "broker: none")
    done = bench.motet("run", "campaign.yaml")
    assert done.returncode == 3
    assert "cell-scales: nobody can be asked: there is no terminal, and `broker: none`" in done.stderr


def test_a_program_answers_what_it_is_asked(bench: Bench) -> None:
    bench.change("lab.yaml", "broker: embedded", "broker: none")
    options = Options(data=bench.folder / "motet-data")
    asked: list[Event] = []
    run = Run(load(bench.folder / "campaign.yaml", options), options, [asked.append])
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while not any(isinstance(event, QuestionAsked) for event in asked):
            assert time.monotonic() < deadline
            assert run.questions is not None
        (question,) = run.questions
        assert question.question.text == "What do the scales show?"
        with pytest.raises(AnswerProblem, match="there is no question 2; open: 1 of cell-scales"):
            run.answer(5, 2)
        assert run.answer("5") == 5.0
        assert run.wait(TIMEOUT_S).experiments == 1
    finally:
        run.close()


def test_a_question_that_nobody_answers_fails_its_experiment(bench: Bench) -> None:
    bench.change("lab.yaml", "high: 1000}", "high: 1000, timeout: 50 ms}")
    options = Options(data=bench.folder / "motet-data")
    run = Run(load(bench.folder / "campaign.yaml", options), options)
    try:
        assert run.wait(TIMEOUT_S).failed == 1
    finally:
        run.close()
    (row,) = bench.reader.experiments("weighing")
    assert row.reason == "ProcedureError: cell-scales: nobody answered 'What do the scales show?' within 50 ms"
    (question,) = bench.reader.questions("weighing")
    assert (question.closed.state, question.closed.reason) == ("withdrawn", "nobody answered within 50 ms")


def test_a_call_that_only_waits_for_the_end_needs_a_broker_for_answers(bench: Bench) -> None:
    from motet.api.run import run_campaign

    bench.change("lab.yaml", "broker: embedded", "broker: none")
    with pytest.raises(ConnectionProblem, match="cell-scales: nobody can be asked"):
        run_campaign(bench.folder / "campaign.yaml", Options(data=bench.folder / "motet-data"))
