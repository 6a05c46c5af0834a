"""Compare variations of a campaign by simulating all of them: `motet compare`."""

import itertools
import logging
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from motet.api.fast_check import check_fast
from motet.api.simulate import load_simulated
from motet.api.trial import Bundle, run_piece, run_trial
from motet.api.variation import varied
from motet.api.workers import Workers
from motet.errors import FileProblems, PluginProblem, Problem, StoreError
from motet.files.campaign import CampaignFile
from motet.learning import build_learner
from motet.model.events import CampaignState
from motet.plugins import Registry, installed
from motet.study.question import Question, key
from motet.study.result import Trial, TrialResult
from motet.study.results import Results, stored_question
from motet.study.summary import StudySummary, summarize

_log = logging.getLogger(__name__)

STUDY_FILE = "study.db"
PAGE_FILE = "report.html"
SWEPT_AT_MOST = 2_000
"""Points of a space that are measured in simulation to know what its top is; of larger spaces a random sample."""
SWEEP_SEED = 0
LEARNER = ("learner", "start", "surrogate", "acquisition", "pending")
"""What can be varied of a learner."""


@dataclass(frozen=True, slots=True)
class Study:
    """What to compare: the campaign file, what is varied (`{"stations": ("1", "2")}`), how many seeds.

    `target` is a value of the first objective to reach, `percentile` how much of the space counts as its top, per cent.
    `fast` leaves out the RunEngine.
    """

    campaign: Path
    vary: Mapping[str, tuple[str, ...]]
    seeds: int = 20
    target: float | None = None
    percentile: float = 1.0
    fast: bool = True
    check: int = 4
    """Experiments of the campaign that are run fast and in full, and compared, before the first trial."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a study is."""

    done: int
    failed: int
    trials: int
    last: TrialResult | None = field(default=None)


def compare(
    study: Study,
    out: Path,
    workers: Workers,
    *,
    retry_failed: bool = False,
    see: Callable[[Progress], object] = lambda progress: None,
    warn: Callable[[str], object] = _log.warning,
    registry: Registry | None = None,
) -> StudySummary:
    """Run all trials of a study that have no result yet, each kept in `out` as soon as it ends; then what they say.

    `warn` hears of what will be missing in the report. Raises FileProblems for a campaign or variation that cannot be,
    StoreError when `out` holds another study, SimulationError when the fast run differs from the full one.
    """
    registry = registry or installed()
    file = load_simulated(study.campaign, registry=registry)
    question = question_of(study, file, registry)
    if others := tuple(file.campaign.objectives)[1:]:
        warn(f"campaigns are judged by {question.objective_name}, the first objective; not by {', '.join(others)}")
    bundle = Bundle(study.campaign.name, dict(file.files), study.fast, versions=question.versions)
    out.mkdir(parents=True, exist_ok=True)
    if study.fast and study.check and not (out / STUDY_FILE).exists():
        check_fast(file, study.check, registry)
    question = replace(question, threshold=_threshold(out / STUDY_FILE, question, file, bundle, warn))
    with Results(out / STUDY_FILE, question) as results:
        if retry_failed:
            results.forget_failed()
        done = results.done()
        failed = sum(bool(result.error) for result in results.all())
        see(Progress(len(done), failed, question.trials))
        with closing(_results(bundle, _missing(question, done), workers)) as fresh:
            for count, result in enumerate(fresh, len(done) + 1):
                results.add(result)
                failed += bool(result.error)
                see(Progress(count, failed, question.trials, result))
        goal = next((result.reason for result in results.all() if result.reached), question.goal)
        return summarize(results.all(), replace(question, goal=goal))


def question_of(study: Study, file: CampaignFile, registry: Registry) -> Question:
    """The question that a study asks. Every value of every variation is tried on the file, and every learner that they
    make. Raises FileProblems."""
    both = [name for name in ("surrogate", "acquisition") if name in study.vary and "learner" in study.vary]
    if both:
        allowed = "`learner` varies surrogate and acquisition together: vary either it, or its parts"
        raise FileProblems([Problem("--vary", None, "", f"learner and {' and '.join(both)}", allowed)])
    for name, values in study.vary.items():
        for value in values:
            varied(file, {name: value}, registry)
    if study.seeds < 1:
        raise FileProblems([Problem("--seeds", None, "", repr(study.seeds), "a whole number from 1 is needed")])
    name, objective = next(iter(file.campaign.objectives.items()))
    if objective.classes:
        allowed = "an objective that can be better or worse is needed: of classes none is"
        raise FileProblems([Problem(str(study.campaign), None, f"objectives.{name}", "goal: classify", allowed)])
    _check_learners(study, file, registry)
    rules = [ref.name for ref in file.campaign.stop if ref.name != "experiments"]
    return Question(
        campaign=file.campaign.campaign,
        objective_name=name,
        objective=objective,
        varied=study.vary,
        seeds=tuple(range(study.seeds)),
        files=file.files,
        versions=registry.versions,
        goal=f"its stop rule holds ({', '.join(rules)})" if rules else "",
        target=study.target,
        percentile=study.percentile,
    )


def _check_learners(study: Study, file: CampaignFile, registry: Registry) -> None:
    """Whether the parts of every learner go together. Raises FileProblems."""
    parts = {name: values for name, values in study.vary.items() if name in LEARNER}
    for values in itertools.product(*parts.values()):
        combination = dict(zip(parts, values, strict=True))
        campaign = varied(file, combination, registry).campaign
        try:
            build_learner(
                campaign.learner,
                registry,
                file.space,
                campaign.objectives,
                seed=0,
                constraints=campaign.outcome_constraints,
            )
        except PluginProblem as error:
            raise FileProblems([Problem("--vary", None, "", Trial(combination, 0).label, str(error))]) from error


def _threshold(
    kept: Path, question: Question, file: CampaignFile, bundle: Bundle, warn: Callable[[str], object]
) -> float | None:
    """The value at which the top of the space begins, from a simulated measurement of every point, or of a random
    sample of `SWEPT_AT_MOST`; as the study has it already, where it has. None, with a warning, when that fails."""
    if kept.is_file():
        with suppress(StoreError):  # another study, or one without its question yet: `Results` says so or mends it
            before = stored_question(kept)
            if before.percentile == question.percentile and before.threshold is not None:
                return before.threshold
    size = file.space.size
    points = int(min(size, SWEPT_AT_MOST))
    sweep = run_trial(replace(bundle, sweep=points), Trial({}, SWEEP_SEED))
    if sweep.error or sweep.state != CampaignState.FINISHED:
        warn(f"the top {question.percentile:g} % of the space is not known: {sweep.error or sweep.reason}")
        return None
    values = [value for value in sweep.values if value is not None]
    values.sort(key=question.objective.merit, reverse=True)
    threshold = values[max(1, round(len(values) * question.percentile / 100)) - 1] if values else math.inf
    if math.isfinite(threshold):
        return threshold
    warn(f"the top {question.percentile:g} % of the space is not known: too few points have a value that counts")
    return None


def _missing(question: Question, done: set[tuple[str, int]]) -> Iterator[Trial]:
    """The trials without a result, seed by seed: a study that is stopped early has compared everything so far."""
    combinations = list(question.combinations())
    for seed in question.seeds:
        for combination in combinations:
            if (key(combination), seed) not in done:
                yield Trial(combination, seed)


def _results(bundle: Bundle, trials: Iterable[Trial], workers: Workers) -> Generator[TrialResult]:
    with closing(workers.done(run_piece, ((bundle, trial) for trial in trials))) as done:
        for (_, trial), result in done:
            if isinstance(result, Exception):
                yield TrialResult(trial, error=f"{type(result).__name__}: {result}")
            else:
                yield result
