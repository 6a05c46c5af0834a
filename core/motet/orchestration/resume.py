"""What an earlier process left of a campaign, read from the store: a restart is a replay."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from motet.learning.state import LearnerState, answered
from motet.model.events import CampaignState
from motet.model.experiment import Experiment, Outcome, RunRecord, State, Suggestion
from motet.model.queue import QUEUED_ID, TOLD_ID
from motet.orchestration.queue import StoredQueue, stored_queue
from motet.orchestration.tally import Tally
from motet.orchestration.work import Stage, Work
from motet.store import Attempt, Change, ExperimentRow, Reader, Transition

_PASSING = (CampaignState.STARTING, CampaignState.STOPPING, CampaignState.ABORTING, CampaignState.INTERRUPTED)
"""States on the way of a process to its end, or from its beginning: a campaign that was paused before is so after."""


@dataclass(frozen=True)
class Before:
    """A campaign as its last process left it.

    `outcomes` are in the order in which the learner heard of them, `suggestions` (its own only) in that in which they
    were taken.
    `unfinished` began and did not end; `stations` says where those are, by experiment, that were at a station then, and
    `gone` where those were whose station the campaign has no longer. `pending` are the suggestions that the learner
    waits for.
    `paused` is why the campaign was paused, empty when it was not. `asked` counts questions to people.
    """

    campaign: str
    elapsed_s: float
    begun: int
    outcomes: tuple[Outcome, ...]
    suggestions: tuple[Suggestion, ...]
    unfinished: tuple[Work, ...]
    stations: Mapping[str, str]
    gone: Mapping[str, str]
    pending: tuple[Suggestion, ...]
    tally: Tally
    paused: str
    asked: int
    queue: StoredQueue
    used: Mapping[str, float]

    @property
    def learner(self) -> LearnerState:
        """What the learner knew: a new one of the same campaign that replays it goes on in its place."""
        numbers = [int(suggestion.id) for suggestion in self.suggestions if suggestion.id.isdecimal()]
        return LearnerState(max(numbers, default=0), self.pending, self.outcomes)

    def at(self, station: str) -> Sequence[Work]:
        """What a station was working on."""
        return [work for work in self.unfinished if self.stations.get(work.experiment.id) == station]


def read(reader: Reader, campaign: str, stages: Sequence[Stage], stations: Sequence[str]) -> Before:
    """A campaign that has not ended, as stored; `stations` are those that it has now. Raises StoreError."""
    rows = {row.id: row for row in reader.experiments(campaign)}
    whole = reader.story(campaign)
    story: defaultdict[str, list[Transition]] = defaultdict(list)
    for transition in whole:
        story[transition.experiment].append(transition)
    ends = [transition for transition in whole if transition.change in (Change.DONE, Change.FAILED)]
    unfinished = [row for row in rows.values() if row.state in (State.PLANNED, State.RUNNING)]
    works = [_work(reader, campaign, row, story[row.id], stages) for row in unfinished]
    at = {row.id: row.station or "" for row in unfinished if story[row.id][-1].change is Change.RUNNING}
    changes = [change for change in reader.campaign_changes(campaign) if change.state not in _PASSING]
    ids = [row.suggestion.id for row in rows.values()]
    begun = [name.startswith(QUEUED_ID) for name in ids if not name.startswith(TOLD_ID)]
    return Before(
        campaign,
        reader.last_elapsed(campaign),
        max((row.number for row in rows.values()), default=0),
        tuple(_outcome(campaign, rows[end.experiment]) for end in ends),
        tuple(row.suggestion for row in rows.values() if row.suggestion.id.isdecimal()),
        tuple(works),
        {name: station for name, station in at.items() if station in stations},
        {name: station for name, station in at.items() if station not in stations},
        _pending(whole, rows),
        _tally(list(rows.values())),
        changes[-1].reason if changes and changes[-1].state is CampaignState.PAUSED else "",
        max((row.number for row in reader.questions(campaign)), default=0),
        replace(stored_queue(reader, campaign), learners_turn=begun[-1:] == [True]),
        reader.used(campaign),
    )


def _outcome(campaign: str, row: ExperimentRow) -> Outcome:
    experiment = Experiment(campaign, row.number, row.suggestion)
    return Outcome(experiment, row.state, row.values, row.reason, row.lost)


def _pending(story: Sequence[Transition], rows: Mapping[str, ExperimentRow]) -> tuple[Suggestion, ...]:
    """The suggestions that the learner waits for, as it sees it: see `answered`."""
    pending: dict[str, Suggestion] = {}
    for transition in story:
        suggestion = rows[transition.experiment].suggestion
        match transition.change:
            case Change.PLANNED if not suggestion.id.startswith(TOLD_ID):
                pending[suggestion.id] = suggestion
            case Change.DONE | Change.FAILED:
                pending.pop(answered(pending, suggestion), None)
            case _:
                pass
    return tuple(pending.values())


def _work(
    reader: Reader, campaign: str, row: ExperimentRow, story: Sequence[Transition], stages: Sequence[Stage]
) -> Work:
    """How far an experiment had come: its stages that are done, with what they gave, and the tries of the present."""
    work = Work(Experiment(campaign, row.number, row.suggestion))
    attempts = {attempt.number: attempt for attempt in row.attempts}
    for transition in story:
        match transition.change:
            case Change.RUNNING:
                work.attempts, work.tries = transition.attempt, work.tries + 1
            case Change.STAGED:
                record = _record(reader, row.id, attempts[transition.attempt])
                work.advance(record, stages[work.stage].name)
            case _:
                pass
    return work


def _record(reader: Reader, experiment: str, attempt: Attempt) -> RunRecord:
    documents = tuple(reader.documents(experiment, attempt.number))
    return RunRecord(documents, attempt.started_s, attempt.ended_s or attempt.started_s)


def _tally(rows: Sequence[ExperimentRow]) -> Tally:
    """The attempts that ended; those that did not are counted when it is known how."""
    tally = Tally()
    attempts = [attempt for row in rows for attempt in row.attempts if attempt.ended_s is not None]
    for attempt in attempts:
        tally.runs[attempt.stage] = tally.runs.get(attempt.stage, 0) + 1
        tally.busy_s[attempt.station] = tally.busy_s.get(attempt.station, 0.0) + (attempt.seconds or 0.0)
    if attempts:
        ends = [attempt.ended_s or 0.0 for attempt in attempts]
        tally.before_s = max(ends) - min(attempt.started_s for attempt in attempts)
    return tally
