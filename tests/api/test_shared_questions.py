"""A shared device that asks a person asks the people of the campaign whose station has it."""

import asyncio
from functools import partial
from pathlib import Path

from motet.api.run import Options, load
from motet.api.session import Session
from motet.api.setting import Setting
from motet.api.together import run_together
from motet.model.events import CampaignState, Event, QuestionAsked
from motet.orchestration import Summary
from motet.plugins import installed
from motet.station.engine import LabLoop

LAB = """
lab: hands
broker: none
hardware: real
stations:
  s1: { devices: { scale: { driver: manual, options: { answer: number } } } }
  s2: { devices: { scale: { driver: manual, options: { answer: number } } } }
shared:
  hand: { driver: manual, options: { answer: number } }
procedures:
  weigh:
    parameters: { x: null }
    steps:
      - hand.ask: { question: "how heavy is it?" }
        as: weighed
"""
CAMPAIGN = """
campaign: NAME
lab: lab.yaml
parameters: { x: { type: continuous, low: 0, high: 1 } }
procedure: weigh
stations: [STATION]
analysis: { value: { outputs: { y: weighed.answer } } }
objectives: { y: { goal: minimize } }
learner: { surrogate: random_forest, start: { random: { n: 100 } } }
budget: { experiments: 1 }
"""


def test_each_campaign_is_asked_for_its_own_experiment(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    lab_loop = LabLoop()
    setting = Setting(tmp_path / "data", lab_loop.engine)
    sessions: dict[str, Session] = {}
    asked: list[tuple[str, str, str]] = []
    answers: list[asyncio.Task[object]] = []

    def see(name: str, event: Event) -> None:
        if isinstance(event, QuestionAsked):
            experiment = event.asked.experiment
            asked.append((name, event.asked.question.device, "" if experiment is None else experiment.campaign))
            answers.append(asyncio.ensure_future(sessions[name].questions.answer(len(asked))))

    for name, station in (("first", "s1"), ("second", "s2")):
        (tmp_path / f"{name}.yaml").write_text(CAMPAIGN.replace("NAME", name).replace("STATION", station))
        file = load(tmp_path / f"{name}.yaml", Options())
        sessions[name] = Session(file, installed(), setting, [partial(see, name)], False, answered_here=True)
    try:
        summaries: list[Summary] = list(lab_loop.submit(run_together(list(sessions.values()))).result(30))
    finally:
        lab_loop.close()

    assert [summary.state for summary in summaries] == [CampaignState.FINISHED] * 2
    assert [summary.failed for summary in summaries] == [0, 0]
    assert sorted(asked) == [("first", "s1-hand", "first-1"), ("second", "s2-hand", "second-1")]
