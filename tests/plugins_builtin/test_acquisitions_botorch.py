"""BoTorch's acquisition, and Motet's own against BoTorch's."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from motet.contracts.belief import Array, Data, Gives, Prediction, View
from motet.contracts.declarations import Kind
from motet.contracts.learning import Acquisition, declared_needs
from motet.errors import LearnerError, PluginProblem
from motet.plugins import installed
from motet_plugins.acquisitions.hypervolume_improvement import expected_improvement

MakeView = Callable[..., View]
pytestmark = [
    pytest.mark.slow,  # importing torch takes seconds
    pytest.mark.skipif(find_spec("botorch") is None, reason="pip install 'motet[botorch]' brings it"),
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning"),
]
N = 40


def made(name: str, **options: Any) -> Acquisition:
    return installed().make(Kind.ACQUISITION, name, options)


@dataclass
class Model:
    """A fitted model that gives its BoTorch model."""

    botorch: Any

    def __call__(self, x: Array) -> Prediction:
        torch: Any = import_module("torch")
        with torch.no_grad():
            posterior = self.botorch.posterior(torch.tensor(x))
        return Prediction(posterior.mean.numpy()[:, 0], np.sqrt(posterior.variance.numpy()[:, 0]))


@dataclass
class Case:
    """Two objectives that pull apart, measured at twelve points of the unit square with hardly any noise."""

    models: list[Model]
    pool: Array
    x: Array
    y: Array

    @property
    def wholes(self) -> list[Prediction]:
        return [model(self.pool) for model in self.models]


@pytest.fixture(scope="module")
def case() -> Case:
    torch: Any = import_module("torch")
    single: Any = import_module("botorch.models").SingleTaskGP
    rng = np.random.default_rng(0)
    x, pool = rng.random((12, 2)), rng.random((N, 2))
    y = np.stack([-((x - 0.2) ** 2).sum(axis=1), -((x - 0.8) ** 2).sum(axis=1)], axis=1)
    y = (y - y.mean(axis=0)) / y.std(axis=0, ddof=1)
    models: list[Model] = []
    for column in y.T:
        tensors = torch.tensor(x), torch.tensor(column[:, None])
        model = single(*tensors, torch.full((12, 1), 1e-4, dtype=torch.float64), outcome_transform=None)
        model.covar_module.lengthscale = 0.4
        models.append(Model(model.eval()))
    return Case(models, pool, x, y)


def view_of(case: Case, make_view: MakeView, **other: Any) -> View:
    data = [Data(case.x, column, np.arange(12)) for column in case.y.T]
    return make_view(
        *case.wholes,
        pool=case.pool,
        models=case.models,
        data=data,
        outcomes=case.y,
        outcomes_at=case.x,
        **other,
    )


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("log_ei", "LogExpectedImprovement"), ("pi", "ProbabilityOfImprovement")],
)
@pytest.mark.parametrize("best", [-1.0, 1.0, 12.0])
def test_improvements_are_botorchs(case: Case, make_view: MakeView, name: str, theirs: str, best: float) -> None:
    torch: Any = import_module("torch")
    acquisition = getattr(import_module("botorch.acquisition.analytic"), theirs)(case.models[0].botorch, best_f=best)
    with torch.no_grad():
        expected = acquisition(torch.tensor(case.pool)[:, None]).numpy()

    scores = made(name).score(make_view(case.wholes[0], best=best))

    assert scores == pytest.approx(expected, rel=1e-8, abs=1e-9)


def test_the_expected_hypervolume_improvement_is_botorchs(case: Case) -> None:
    torch: Any = import_module("torch")
    analytic: Any = import_module("botorch.acquisition.multi_objective.analytic")
    boxes: Any = import_module("botorch.utils.multi_objective.box_decompositions.non_dominated")
    models: Any = import_module("botorch.models").ModelListGP(*(model.botorch for model in case.models))
    reference = torch.tensor([-2.0, -1.5], dtype=torch.float64)
    partitioning = boxes.FastNondominatedPartitioning(reference, torch.tensor(case.y))
    acquisition = analytic.ExpectedHypervolumeImprovement(models, reference.tolist(), partitioning)
    with torch.no_grad():
        expected = acquisition(torch.tensor(case.pool)[:, None]).numpy()

    means, stds = (np.stack([getattr(whole, what) for whole in case.wholes]) for what in ("mean", "std"))

    found = expected_improvement(means, stds, case.y, reference.numpy())
    assert found.max() > 0.05
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-10)


def test_without_noise_it_is_the_logarithm_of_the_expected_improvement(case: Case, make_view: MakeView) -> None:
    exact = made("ehvi").score(view_of(case, make_view))

    scores = made("qlognehvi", draws=256).score(view_of(case, make_view))

    large = exact > 0.05
    assert np.count_nonzero(large) > 5
    assert np.exp(scores[large]) == pytest.approx(exact[large], rel=0.1)
    assert exact[scores.argmax()] > 0.95 * exact.max()


def test_it_follows_the_seed_and_leaves_torch_as_it_was(case: Case, make_view: MakeView) -> None:
    torch: Any = import_module("torch")
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    acquisition = made("qlognehvi")

    first, again, other = (acquisition.score(view_of(case, make_view, seed=seed)) for seed in (0, 0, 1))

    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()
    assert np.all(np.isfinite(first))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_a_pending_point_is_worth_little(case: Case, make_view: MakeView) -> None:
    acquisition = made("qlognehvi")
    before = acquisition.score(view_of(case, make_view))
    best = int(before.argmax())

    after = acquisition.score(view_of(case, make_view, pending=case.pool[[best]]))

    assert after[best] < before[best] - 2
    assert after.argmax() != best


def test_of_many_candidates_the_promising_ones_are_looked_at(case: Case, make_view: MakeView) -> None:
    exact = made("ehvi").score(view_of(case, make_view))

    scores = made("qlognehvi", candidates=10).score(view_of(case, make_view))

    promising = np.argsort(-exact)[:10]
    assert np.all(np.delete(scores, promising) == scores.min())
    assert len(set(scores[promising].tolist())) == 10
    assert scores[promising].tolist() == pytest.approx(
        made("qlognehvi").score(view_of(case, make_view))[promising].tolist()
    )


def test_it_declares_what_it_needs(make_view: MakeView) -> None:
    acquisition = made("qlognehvi")

    assert declared_needs(acquisition) == {Gives.MEAN_STD, Gives.BOTORCH}
    belief = Prediction(np.zeros(3), np.ones(3))
    with pytest.raises(LearnerError, match="lacks what the acquisition needs: a BoTorch model"):
        acquisition.score(make_view(belief, belief, outcomes=np.eye(2)))
    with pytest.raises(LearnerError, match="every objective was measured"):
        acquisition.score(make_view(belief, belief))


def test_without_botorch_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botorch", None)

    with pytest.raises(PluginProblem, match=r"qlognehvi: BoTorch is not installed: pip install 'motet\[botorch\]'"):
        made("qlognehvi")
