"""`motet queue` and `motet tell` as a person calls them: beside a campaign that runs, and when its program died."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from typer.testing import CliRunner

from motet.api.broker import address
from motet.api.run import Options, Run, load
from motet.bus import Bus
from motet.cli.app import app
from motet.errors import AnswerProblem, NotFound
from motet.model.broker import Broker
from motet.model.events import Event, QuestionAsked
from motet.store import Reader
from motet.store.check import check_store

LAB = """\
lab: bench
broker: embedded
stations:
  cell:
    devices:
      scales: {driver: manual, options: {answer: number, unit: mg, low: 0, high: 1000}, simulator: {answer: 5}}
procedures:
  weigh:
    parameters: {x: mm, salt: null, mark: null}
    steps:
      - scales.ask: {question: What do the scales show?}
"""
CAMPAIGN = """\
campaign: weighing
lab: lab.yaml
parameters:
  x: {type: stepped, low: 0, high: 5, step: 0.5, unit: mm}
  salt: {type: categorical, choices: [KCl, NaCl]}
  mark: {type: fixed, value: 3}
constraints:
  - forbidden: {salt: NaCl, x: {at_least: 4}}
objectives: {mass: {goal: maximize, unit: mg}}
procedure: weigh
analysis: {plateau: {signal: ask.answer, output: mass}}
learner: {surrogate: gp}
budget: {experiments: 4}
"""
TIMEOUT_S = 40
pytestmark = pytest.mark.slow


@dataclass
class Bench:
    """A lab where a person does everything, in a folder of its own."""

    folder: Path
    started: list["subprocess.Popen[str]"] = field(default_factory=list["subprocess.Popen[str]"])

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        environment = {key: value for key, value in os.environ.items() if key not in ("MOTET_DATA", "COLUMNS")}
        process = subprocess.Popen(
            [sys.executable, "-m", "motet", *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def motet(self, *arguments: str) -> str:
        """What it printed, when it went well."""
        code, out, err = self.ran(*arguments)
        assert code == 0, err
        return out

    def refused(self, *arguments: str) -> str:
        """Why it did not."""
        code, out, err = self.ran(*arguments)
        assert (code, out) == (2, "")
        assert "Traceback" not in err
        return err

    def ran(self, *arguments: str) -> tuple[int, str, str]:
        """In this process: starting Python so often would take most of the test's time."""
        done = CliRunner().invoke(app, [*arguments, "--data", str(self.folder / "motet-data")])
        return done.exit_code, done.stdout, done.stderr

    @property
    def reader(self) -> Reader:
        return Reader(self.folder / "motet-data" / "motet.db")


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


def until(process: "subprocess.Popen[str]", needle: str) -> None:
    assert process.stdout is not None
    assert any(needle in line for line in process.stdout), f"{needle!r} was never printed"


def test_a_person_queues_and_tells_beside_a_running_campaign_and_after_its_program_died(bench: Bench) -> None:
    process = bench.start("run", "campaign.yaml")
    until(process, "question 1")

    first = bench.start("queue", "add", "weighing", "x=0.35 cm", "salt=KCl", "--why", "a check")
    assert first.communicate(timeout=TIMEOUT_S) == ("queued as 1\n", "")
    table = str(bench.folder / "points.csv")
    Path(table).write_text("salt, x\nKCl, 4.5\nNaCl, 1\n")
    added = bench.motet("queue", "add", "weighing", "--from", table, "--priority", "2", "--who", "Ada", "--json")
    assert json.loads(added) == {"numbers": [2, 3]}
    assert bench.motet("queue", "move", "weighing", "1", "2") == "1 is moved\n"
    assert bench.motet("queue", "edit", "weighing", "3", "x=2") == "3 is changed\n"
    assert bench.motet("queue", "cancel", "weighing", "2") == "2 cancelled\n"
    assert bench.motet("queue", "mode", "weighing", "between") == "queued experiments are run between the learner's\n"
    listed = json.loads(bench.motet("queue", "list", "weighing", "--json"))
    assert listed["mode"] == "between"
    points = [(one["number"], one["parameters"], one["who"], one["why"]) for one in listed["queue"]]
    assert points == [
        (1, {"x": 3.5, "salt": "KCl", "mark": 3}, "", "a check"),
        (3, {"x": 2.0, "salt": "NaCl", "mark": 3}, "Ada", ""),
    ]

    Path(table).write_text("salt,x\nKCl,4.5\nNaCl,4.5\nLiCl,7\n")
    wrong = bench.refused("queue", "add", "weighing", "--from", table)
    assert "point 2: it breaks the constraint" in wrong
    assert (
        "point 3: x = 7 must be a number from 0 to 5 in steps of 0.5 mm; salt = LiCl must be one of KCl, NaCl" in wrong
    )
    assert "2 waits in the queue (perhaps it has begun); waiting: 1, 3" in bench.refused(
        "queue", "move", "weighing", "2", "1"
    )
    assert "mass = 5 mm must be a number in mg: mm" in bench.refused(
        "tell", "weighing", "x=0", "salt=KCl", "--value", "mass=5 mm"
    )
    assert bench.motet("tell", "weighing", "x=1", "salt=KCl", "--value", "mass=0.9 g") == "told as experiment 2\n"

    assert asyncio.run(twice(bench, {"command": "queue", "do": "add", "points": [{"x": 0, "salt": "KCl"}]})) == [4, 4]
    bench.motet("queue", "cancel", "weighing", "4")

    process.kill()
    process.wait(TIMEOUT_S)
    assert bench.motet("queue", "add", "weighing", "x=5", "salt=KCl", "--front") == "queued as 5\n"
    assert "salt is missing, one of KCl, NaCl" in bench.refused("queue", "add", "weighing", "x=5")
    assert "it breaks the constraint" in bench.refused("queue", "edit", "weighing", "5", "salt=NaCl")
    assert bench.motet("tell", "weighing", "x=1.5", "salt=KCl", "--value", "mass=1") == "told as experiment 3\n"
    shown = bench.motet("show", "weighing")
    assert "queue    3 wait, to be run between the learner's" in shown
    assert "5 x = 5 mm, salt = KCl, mark = 3" in shown

    again = bench.start("run", "campaign.yaml")
    until(again, "question 2")
    assert bench.motet("answer", "weighing", "10").startswith("question 2 answered")
    until(again, "question 3")
    over = bench.refused("queue", "add", "weighing", "x=5", "salt=KCl")
    assert "campaign weighing-1: no further experiment begins: 4 experiments are done or running" in over
    bench.motet("answer", "weighing", "11")
    assert again.wait(TIMEOUT_S) == 0
    rows = bench.reader.experiments("weighing")
    assert [row.suggestion.id for row in rows] == ["1", "told-2", "told-3", "queue-5"]
    assert [row.values for row in rows] == [{"mass": 10.0}, {"mass": 900.0}, {"mass": 1.0}, {"mass": 11.0}]
    assert not check_store(bench.reader.path)
    assert "queue    2 never began" in bench.motet("show", "weighing")
    ended = bench.refused("tell", "weighing", "x=0", "salt=KCl", "--value", "mass=1")
    assert ended.startswith("error: campaign weighing-1: it has ended: finished (4 experiments are done or running")


async def twice(bench: Bench, request: dict[str, Any]) -> list[int]:
    """The first number of both replies to a request that the broker brings twice."""
    found = json.loads((bench.folder / "motet-data" / "weighing-1" / "control.json").read_text())
    topic, replies = found["topic"], asyncio.Queue[Any]()
    async with (
        asyncio.timeout(TIMEOUT_S),
        Bus(await address(Broker.model_validate(found["broker"])), client_id="twice") as bus,
    ):
        await bus.subscribe(f"{topic}/reply", lambda message: replies.put_nowait(message.json()))
        for _ in range(2):
            await bus.publish(topic, json.dumps({**request, "id": "once"}))
        return [(await replies.get())["numbers"][0] for _ in range(2)]


def test_a_program_queues_and_tells(bench: Bench) -> None:
    (bench.folder / "lab.yaml").write_text(LAB.replace("broker: embedded", "broker: none"))
    options = Options(data=bench.folder / "motet-data")
    asked = SimpleQueue[int]()

    def hear(event: Event) -> None:
        if isinstance(event, QuestionAsked):
            asked.put(event.asked.number)

    run = Run(load(bench.folder / "campaign.yaml", options), options, [hear])
    try:
        number = asked.get(timeout=TIMEOUT_S)
        first, second = run.queue.add({"x": 1, "salt": "KCl"}, {"x": "0.2 cm", "salt": "NaCl"}, why="a pair")
        run.queue.set_mode("instead")
        run.queue.move(second, 1)
        run.queue.edit(first, {"salt": "NaCl"})
        assert [one.number for one in run.queue.waiting][-1] == first
        assert run.queue.mode == "instead"
        assert run.tell({"x": 3, "salt": "KCl"}, {"mass": "0.5 g"}, who="Ada") == 2
        with pytest.raises(AnswerProblem, match="density is not what this campaign measures, which is mass"):
            run.tell({"x": 3, "salt": "KCl"}, {"density": 1})
        with pytest.raises(AnswerProblem, match="y is not a parameter; there are x, salt, mark"):
            run.queue.add({"x": 3, "salt": "KCl", "y": 1})
        with pytest.raises(NotFound, match="no experiment 99 waits"):
            run.queue.cancel(99)
        run.answer(1, number)
        for _ in range(2):
            run.answer(1, asked.get(timeout=TIMEOUT_S))
        assert run.wait(TIMEOUT_S).experiments == 4
        with pytest.raises(AnswerProblem, match="the campaign has ended"):
            run.queue.set_mode("before")
    finally:
        run.close()
