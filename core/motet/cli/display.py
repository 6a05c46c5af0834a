"""Ways to watch a run: a live table on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from motet.cli.board import Board
from motet.cli.text import became, classes, clock, needed, point, question
from motet.model.events import (
    CampaignChanged,
    CampaignResumed,
    Event,
    ExperimentEnded,
    ExperimentRetried,
    ExperimentStarted,
    InterlockCleared,
    InterlockTripped,
    QuestionAsked,
    QuestionClosed,
    StageEnded,
    StationChanged,
    StationState,
)
from motet.model.experiment import State
from motet.model.questions import Asked


class Display(Protocol):
    """Shows events while a campaign runs."""

    def see(self, event: Event) -> None:
        """Called on the lab loop for every event; must not block."""
        ...

    def shown(self) -> AbstractContextManager[None]:
        """While entered, the display is on."""
        ...


class Nothing:
    """For programs: nothing is shown; what waits for a person is told beside the output."""

    def __init__(self, how: str = "") -> None:
        self._how = how

    def see(self, event: Event) -> None:
        """Tell of questions on standard error; ignore all else."""
        if isinstance(event, QuestionAsked):
            print(ask(event.asked, self._how), file=sys.stderr, flush=True)

    @contextmanager
    def shown(self) -> Generator[None]:
        """Nothing to switch on."""
        yield


class Lines:
    """One line for each thing that a log should keep."""

    def __init__(self, board: Board, how: str = "", of: str = "") -> None:
        """`how` says how questions are answered, `of` which campaign this is where there are several."""
        self._board = board
        self._how = how
        self._of = f"{of}: " if of else ""

    @contextmanager
    def shown(self) -> Generator[None]:
        """Nothing to switch on."""
        yield

    def see(self, event: Event) -> None:
        """Print a line where the event deserves one."""
        board = self._board
        board.see(event)
        match event:
            case ExperimentEnded(outcome, station, seconds) if outcome.state is State.DONE:
                of = f"/{board.most}" if board.most else ""
                number = outcome.experiment.number
                where = f"{station or 'by hand'} {point(outcome.experiment.parameters)}"
                self._say(f"{number}{of} {where}: {board.value(outcome)} in {seconds:.2f} s{_standing(board)}")
            case ExperimentEnded(outcome, station, _):
                self._say(f"{outcome.experiment.number} {station or 'at no station'} failed: {outcome.reason}")
            case ExperimentRetried(experiment, station, reason):
                self._say(f"{experiment.number} {station} is tried again: {reason}")
            case ExperimentStarted(experiment, station, 1) if experiment.suggestion.problem:
                self._say(f"{experiment.number} {station} was chosen without a model: {experiment.suggestion.problem}")
            case CampaignResumed(campaign, outcomes, unfinished):
                left = f", {unfinished} unfinished" if unfinished else ""
                self._say(f"campaign {campaign} goes on: {len(outcomes)} experiments ended before{left}")
            case StageEnded(experiment, station, seconds, stage):
                self._say(f"{experiment.number} {station}: {stage} done in {seconds:.2f} s")
            case CampaignChanged(campaign, state, reason):
                self._say(f"campaign {campaign} {state}{f': {reason}' if reason else ''}")
            case StationChanged() | InterlockTripped() | InterlockCleared():
                self._see_station(event)
            case QuestionAsked() | QuestionClosed():
                self._see_question(event)
            case _:
                pass

    def _see_question(self, event: QuestionAsked | QuestionClosed) -> None:
        asked = event.asked
        if isinstance(event, QuestionAsked):
            self._say(ask(asked, self._how))
        else:
            self._say(f"question {asked.number} {became(event.closed, asked.question.form)}")

    def _see_station(self, event: StationChanged | InterlockTripped | InterlockCleared) -> None:
        match event:
            case StationChanged(station, StationState.ESTOPPED, cause) if cause:
                self._say(f"{station} {cause}" if cause.startswith("e-stopped") else f"{station} e-stopped: {cause}")
            case StationChanged(station, StationState.CLEARING):
                self._say(f"{station} is connected anew: the emergency stop was cleared")
            case StationChanged(station, StationState.FAULT, cause):
                self._say(f"{station} fault: {cause}")
            case StationChanged(station, StationState.RUNNING, cause) if cause:
                self._say(f"{station}: {cause}")
            case StationChanged(station, StationState.IDLE, cause) if cause.startswith("not known any more"):
                self._say(f"{station}: {cause}")
            case InterlockTripped(station, name, why):
                self._say(f"{station or 'every station'} waits: interlock {name}: {why}")
            case InterlockCleared(station, name):
                self._say(f"{station or 'every station'} goes on: interlock {name} has cleared")
            case _:
                pass

    def _say(self, text: str) -> None:
        print(f"{clock(self._board.elapsed)}  {self._of}{text}", file=sys.stdout, flush=True)


def ask(asked: Asked, how: str) -> str:
    """A question with what is needed, and how to answer it; `NUMBER` and `CAMPAIGN` in `how` are replaced."""
    within = f" within {asked.question.within}" if asked.question.within else ""
    campaign = asked.experiment.campaign if asked.experiment is not None else "CAMPAIGN"
    told = how.replace("CAMPAIGN", campaign).replace("NUMBER", str(asked.number))
    return f"{question(asked)} [{needed(asked.question.form)}{within}]{f'; {told}' if told else ''}"


def _standing(board: Board) -> str:
    """What the campaign has come to so far."""
    if board.wanted.classes:
        return f"; so far {classes(board.counts())}"
    if board.wanted.several:
        return f"; front of {len(board.front)}"
    return f"; best {board.value(board.best)}" if board.best is not None else ""
