"""What the store says of a campaign, held against what the instruments did and what a learner would have said."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from motet.files.campaign import load_campaign
from motet.learning import Learner, build_learner
from motet.model.experiment import Experiment, Outcome, State
from motet.plugins import Registry
from motet.store import Change, ExperimentRow, Reader, Transition
from motet_torture.labs import Bench
from motet_torture.proofs import Measured, count
from motet_torture.simulated_doser import value_of

ENDS = (Change.DONE, Change.FAILED)


def point_of(row: ExperimentRow) -> int:
    """The point of an experiment."""
    return int(row.parameters["x"])


def ended(rows: Sequence[ExperimentRow]) -> Mapping[int, tuple[str, Mapping[str, float]]]:
    """How each experiment that has ended did, by its number."""
    return {row.number: (str(row.state), dict(row.values)) for row in rows if row.state in (State.DONE, State.FAILED)}


def repeated(rows: Sequence[ExperimentRow], dispensed: Mapping[int, int]) -> int:
    """Dispenses beyond one for each experiment."""
    experiments = Counter(map(point_of, rows))
    return sum(max(0, times - experiments[x]) for x, times in dispensed.items())


def missing(rows: Sequence[ExperimentRow], dispensed: Mapping[int, int]) -> int:
    """Experiments that are called done without a dispense, and dispenses of which no experiment knows."""
    done = Counter(point_of(row) for row in rows if row.state is State.DONE)
    known = {point_of(row) for row in rows}
    return sum(max(0, times - dispensed.get(x, 0)) for x, times in done.items()) + len(set(dispensed) - known)


def wrong_values(rows: Sequence[ExperimentRow]) -> int:
    """Experiments that are done with another value than the instrument gives at their point."""
    done = [row for row in rows if row.state is State.DONE]
    return sum(abs(row.values.get("y", 1e9) - value_of(point_of(row))) > 1e-9 for row in done)


def endings(transitions: Sequence[Transition]) -> int:
    """Experiments that have ended more often than once."""
    ends = Counter(change.experiment for change in transitions if change.change in ENDS)
    return sum(times > 1 for times in ends.values())


def exactly_once(lab: Bench) -> Sequence[Measured]:
    """What must hold whatever happened."""
    rows, story, dispensed = lab.experiments(), lab.story(), lab.dispensed()
    return [
        count("not ended", len(rows) - len(ended(rows))),
        count("ended more often than once", endings(story)),
        count("dispensed more often than once", repeated(rows, dispensed)),
        count("done without a dispense, or a dispense that no experiment knows", missing(rows, dispensed)),
        count("done with a wrong value", wrong_values(rows)),
    ]


@dataclass(frozen=True)
class Replayed:
    """How many suggestions of a campaign were compared, and which of them a learner would not have made."""

    compared: int
    differ: tuple[int, ...]


def replayed(store: Path, campaign: Path, registry: Registry, name: str) -> Replayed:
    """Let a fresh learner, never disturbed, hear the stored outcomes in their order, and compare what it suggests.

    A station's suggestion knows at least the outcomes up to that station's own last one, and perhaps some of those that
    became durable before it was stored; any of these is right. Where experiments pass through stages, the station that
    asks is not the one that brings outcomes; then it knows at least what the suggestion before it knew.
    """
    reader = Reader(store)
    rows = {row.id: row for row in reader.experiments(name)}
    story = reader.transitions(name)
    stations = {change.experiment: change.station for change in story if change.change is Change.RUNNING}
    learner = _learner(campaign, registry, len({change.station for change in story if change.station}))
    staged = any(change.change is Change.STAGED for change in story)
    known, compared, differ = 0, 0, list[int]()
    told = list[Transition]()
    for change in story:
        if change.change in ENDS:
            told.append(change)
        if change.change is not Change.PLANNED:
            continue
        row = rows[change.experiment]
        own = 0 if staged else _own_last(told, stations, stations.get(row.id))
        matched = False
        for heard in _tell_until(learner, rows, told, known, own):
            known = heard
            matched = learner.propose(1)[0].parameters == row.parameters
            if matched:
                break
        compared += 1
        if matched:
            learner.ask(1)
        else:
            differ.append(row.number)
            learner.hold(replace(row.suggestion, id=f"stored {row.number}"))
    return Replayed(compared, tuple(differ))


def _learner(campaign: Path, registry: Registry, stations: int) -> Learner:
    file = load_campaign(campaign, registry)
    config = file.campaign
    return build_learner(
        config.learner, registry, file.space, config.objectives, seed=config.seed, stations=max(1, stations)
    )


def _own_last(told: Sequence[Transition], stations: Mapping[str, str | None], station: str | None) -> int:
    """How many outcomes there were when the last one of a station was one of them."""
    places = [place for place, change in enumerate(told, 1) if stations.get(change.experiment) == station]
    return places[-1] if places else 0


def _tell_until(
    learner: Learner, rows: Mapping[str, ExperimentRow], told: Sequence[Transition], known: int, least: int
) -> Iterator[int]:
    """Tell what is known for certain, then one more at a time; how many the learner knows each time."""
    while known < least:
        learner.tell(_outcome(rows[told[known].experiment]))
        known += 1
    yield known
    while known < len(told):
        learner.tell(_outcome(rows[told[known].experiment]))
        known += 1
        yield known


def _outcome(row: ExperimentRow) -> Outcome:
    campaign = row.id.rpartition("/")[0]
    return Outcome(Experiment(campaign, row.number, row.suggestion), row.state, row.values, row.reason, row.lost)
