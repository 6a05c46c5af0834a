"""One trial of a study: a campaign simulated wherever this is called, from nothing but its files' text."""

import hashlib
import math
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

from motet.api.simulate import Simulation, load_simulated, simulate
from motet.api.variation import seeded, varied
from motet.errors import MotetError
from motet.files.campaign import CampaignFile
from motet.model.campaign import Budget
from motet.model.consumption import cost_of, used_up
from motet.model.events import Event, ExperimentEnded, ExperimentRetried, ExperimentStarted, StageEnded
from motet.model.experiment import Outcome, State
from motet.model.standing import Wanted
from motet.model.values import PluginRef
from motet.plugins import installed
from motet.study.result import Trial, TrialResult

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Bundle:
    """A campaign's files by their paths relative to the campaign file, whose own path is `campaign`.

    `fast` leaves out the RunEngine. `sweep` has that many points of the space measured, each once, instead of the
    learner's. `versions`, where stated, are those of Motet and the plugins that it must be simulated with.
    """

    campaign: str
    files: Mapping[str, str]
    fast: bool = True
    sweep: int | None = None
    versions: Mapping[str, str] | None = None

    @property
    def digest(self) -> str:
        """The same for the same files."""
        text = "\0".join(f"{path}\0{content}" for path, content in sorted(self.files.items()))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Watch:
    """What a study keeps of a campaign's events. Times on the loop's clock."""

    wanted: Wanted
    started: dict[str, float] = field(default_factory=dict[str, float])
    first: float | None = None
    ended_s: list[float] = field(default_factory=list[float])
    values: list[float | None] = field(default_factory=list[float | None])
    runs: Counter[str] = field(default_factory=Counter[str])
    """How many attempts at each stage have begun."""
    busy_h: dict[str, float] = field(default_factory=dict[str, float])

    def see(self, event: Event, now: float) -> None:
        """Take an event in."""
        match event:
            case ExperimentStarted(_, station, _, stage):
                self.first = now if self.first is None else self.first
                self.started[station] = now
                self.runs[stage] += 1
            case ExperimentRetried(_, station, _) | StageEnded(_, station, _, _):
                self._busy(station, now)
            case ExperimentEnded(outcome, station, _):
                self._busy(station, now)
                self.ended_s.append(now - (self.first or 0.0))
                self.values.append(self._value(outcome))
            case _:
                pass

    def _value(self, outcome: Outcome) -> float | None:
        """The first objective's value; infinitely bad for an experiment that lacks it or breaks a constraint, None for
        one that failed."""
        name = self.wanted.first
        if outcome.state is not State.DONE:
            return None
        if name not in outcome.values or self.wanted.broken(outcome.values):
            return -math.inf if self.wanted.objectives[name].goal == "maximize" else math.inf
        return outcome.values[name]

    def _busy(self, station: str, now: float) -> None:
        hours = (now - self.started.get(station, now)) / HOUR_S
        self.busy_h[station] = self.busy_h.get(station, 0.0) + hours


def run_trial(bundle: Bundle, trial: Trial) -> TrialResult:
    """Simulate the campaign as the trial wants it. What goes wrong is in the result, with its reason."""
    try:
        return _run(bundle, trial)
    except MotetError as error:
        return TrialResult(trial, error=f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the other trials go on
        return TrialResult(trial, error=f"{type(error).__name__}: {error}")


def run_piece(piece: tuple[Bundle, Trial]) -> TrialResult:
    """`run_trial` for workers, which take one argument."""
    return run_trial(*piece)


def _run(bundle: Bundle, trial: Trial) -> TrialResult:
    if bundle.versions is not None:
        installed().require(bundle.versions)
    file = seeded(varied(_loaded(bundle.digest, _Texts(bundle)), trial.combination, installed()), trial.seed)
    if bundle.sweep is not None:
        file = _swept(file, bundle.sweep)
    watch = Watch(Wanted(file.campaign.objectives, file.campaign.outcome_constraints))
    done = simulate(file, Simulation(None, bundle.fast), watch.see)
    summary = done.summary
    if summary.defect:
        return TrialResult(trial, error=summary.reason)
    kept = summary.reached if summary.reached is not None else len(watch.ended_s)
    amounts = used_up({stage.name: stage.supplies for stage in file.stages}, watch.runs)
    return TrialResult(
        trial,
        state=summary.state,
        reason=summary.reason,
        reached=summary.reached is not None,
        stations=summary.stations,
        attempts=watch.runs[file.stages[0].name],
        ended_s=tuple(watch.ended_s[:kept]),
        values=tuple(watch.values[:kept]),
        wall_s=summary.wall_s,
        busy_s=summary.busy_s,
        learner_s=done.learner_s,
        cost=cost_of(file.lab, file.supplies, amounts, watch.busy_h),
        consumed=amounts,
    )


def _swept(file: CampaignFile, points: int) -> CampaignFile:
    """The campaign with nothing but a start design, over so many points."""
    start = PluginRef(name="random", options={"n": points})
    learner = file.campaign.learner.model_copy(update={"start": start})
    update = {"learner": learner, "stop": (), "budget": Budget(experiments=points)}
    simulation = file.lab.simulation.model_copy(update={"failures": ()})
    lab = file.lab.model_copy(update={"simulation": simulation})
    return file.replace(campaign=file.campaign.model_copy(update=update), lab=lab)


class _Texts:
    """A bundle that does not take part in the key of the cache: its digest does."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Texts)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=8)
def _loaded(digest: str, texts: _Texts) -> CampaignFile:
    """The campaign of a bundle, read once a process. Raises FileProblems."""
    bundle = texts.bundle
    up = max(PurePosixPath(path).parts.count("..") for path in bundle.files)
    with tempfile.TemporaryDirectory(prefix="motet-study-") as folder:
        home = Path(folder).joinpath(*["level"] * up)
        for path, text in bundle.files.items():
            place = home / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        return load_simulated(home / bundle.campaign)
