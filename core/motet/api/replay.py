"""One run of a benchmark, wherever this is called: a learner is built and searches a measured table."""

from dataclasses import dataclass
from functools import lru_cache

from motet.errors import MotetError
from motet.learning.build import build_learner
from motet.learning.learner import Learner
from motet.model.campaign import LearnerConfig
from motet.model.values import PluginRef
from motet.plugins import Registry, installed
from motet.study.replay.measured import Measured
from motet.study.replay.replaying import Terms, replay
from motet.study.replay.run import Entry, Run
from motet.study.replay.top import top


@dataclass(frozen=True, slots=True)
class Task:
    """What all runs of a benchmark share: the table, of which so many points are the top set, and the terms. `digest`
    is that of the table."""

    table: Measured
    digest: str
    top: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class Piece:
    """One run: who searches, from which seed."""

    task: Task
    config: LearnerConfig
    entry: Entry
    seed: int


def run_piece(piece: Piece) -> Run:
    """Do a run. A learner that fails makes a run with an `error`."""
    table = _shared(piece.task.digest, _Unhashed(piece.task.table))
    task, entry = piece.task, piece.entry
    try:
        learner = learner_for(table, piece.config, entry, task.terms.initial, piece.seed, installed())
        learner.warm_up()  # libraries are imported, which is no time that a suggestion takes
        return replay(table, top(table.merits, task.top), task.terms, entry, piece.seed, learner)
    except MotetError as error:
        return Run(entry, piece.seed, error=f"{type(error).__name__}: {error}")


def learner_for(
    table: Measured, config: LearnerConfig, entry: Entry, initial: int, seed: int, registry: Registry
) -> Learner:
    """The learner of a run. With `initial` points drawn for it, it has no start design of its own. Raises
    PluginProblem."""
    if initial:
        config = config.model_copy(update={"start": PluginRef(name="random", options={"n": initial})})
    objectives = {table.objective_name: table.objective}
    return build_learner(config, registry, table.space, objectives, seed=seed, stations=entry.workers)


class _Unhashed:
    """A table that does not take part in the key of the cache: its digest does."""

    def __init__(self, table: Measured) -> None:
        self.table = table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Unhashed)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=2)
def _shared(digest: str, unhashed: _Unhashed) -> Measured:
    """The same table for all runs in a process: its points and places are made once."""
    return unhashed.table
