"""What a campaign came to is known without keeping every outcome."""

import random

from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.objective import Objective, OutcomeConstraint
from motet.model.standing import Wanted
from motet.orchestration.so_far import SoFar


def _outcomes(count: int, seed: int) -> list[Outcome]:
    """Values of few digits, so that equals are among them; some fail, some lack a number."""
    drawn = random.Random(seed)
    found: list[Outcome] = []
    for number in range(1, count + 1):
        experiment = Experiment("test-1", number, Suggestion({"x": number}, "drawn"))
        values = {name: round(drawn.random(), 2) for name in ("a", "b", "c") if drawn.random() < 0.95}
        done = drawn.random() < 0.9
        found.append(Outcome(experiment, State.DONE if done else State.FAILED, values if done else {}))
    return found


def test_the_best_and_the_front_are_those_of_all_outcomes() -> None:
    objectives = {"a": Objective(goal="maximize"), "b": Objective(goal="minimize")}
    wanted = Wanted(objectives, {"c": OutcomeConstraint(at_least=0.2)})
    outcomes = _outcomes(400, 3)
    so_far = SoFar(wanted)
    for outcome in outcomes:
        so_far.add(outcome)
    done = [outcome for outcome in outcomes if outcome.state is State.DONE]
    best = wanted.best(done, lambda outcome: outcome.values)
    front = wanted.front(done, lambda outcome: outcome.values)
    assert best is not None
    assert so_far.best is not None
    assert so_far.best.experiment == best.experiment.id
    assert [one.experiment for one in so_far.front] == [outcome.experiment.id for outcome in front]
    assert len(front) > 2
    assert (so_far.ended, so_far.failed) == (400, 400 - len(done))


def test_of_one_objective_the_earlier_of_equals_is_best_and_there_is_no_front() -> None:
    so_far = SoFar(Wanted({"a": Objective(goal="maximize")}))
    assert so_far.best is None
    for number, value in enumerate([0.5, 0.7, 0.7, 0.6], 1):
        experiment = Experiment("test-1", number, Suggestion({"x": number}, "given"))
        so_far.add(Outcome(experiment, State.DONE, {"a": value}))
    assert so_far.best is not None
    assert so_far.best.experiment == "test-1/2"
    assert so_far.front == ()
