"""Suggestions made ahead, with a learner that may suggest a pending point again."""

from motet.learning import Suggester, build_learner
from motet.model.campaign import LearnerConfig
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.objective import Objective
from motet.model.space import Space, Stepped
from motet.model.values import PluginRef, Point
from motet.plugins import installed

SPACE = Space({"x": Stepped(low=0, high=3, step=1)})


def _suggester(pending: str) -> Suggester:
    config = LearnerConfig(
        start=PluginRef(name="random", options={"n": 1}),
        surrogate=PluginRef(name="rf", options={"trees": 5}),
        pending=PluginRef(name=pending),
    )
    learner = build_learner(config, installed(), SPACE, {"y": Objective(goal="maximize")}, seed=0, stations=2)
    return Suggester(learner, ahead=2, wait_when_alone=False)


def _outcome(number: int, point: Point) -> Outcome:
    return Outcome(Experiment("c-1", number, Suggestion(point, "test")), State.DONE, {"y": float(point["x"])})


async def test_a_measured_point_is_never_handed_out_again_even_when_pending_ones_are() -> None:
    suggester = _suggester("none")
    await suggester.start()
    measured: set[float] = set()
    number = 0
    while len(measured) < 4:
        first, second = await suggester.take(), await suggester.take()
        assert first is not None
        for suggestion in filter(None, (first, second)):
            assert suggestion.parameters["x"] not in measured
        for suggestion in filter(None, (first, second)):
            number += 1
            suggester.tell(_outcome(number, suggestion.parameters))
            measured.add(float(suggestion.parameters["x"]))
        await suggester.settled()
    assert await suggester.take() is None
    await suggester.close()
