"""The acquisition `qlognehvi`."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from motet.contracts.belief import Array, Gives, View
from motet.errors import LearnerError, PluginProblem
from motet.model.values import Whole
from motet_plugins.acquisitions.fronts import reference_point
from motet_plugins.acquisitions.given import botorch_models
from motet_plugins.acquisitions.hypervolume_improvement import OBJECTIVES, expected_improvement
from motet_plugins.acquisitions.hypervolume_improvement import Options as HypervolumeOptions
from motet_plugins.surrogates.one_torch_thread import loaded, one_torch_thread

BATCH = 256
"""Candidates that BoTorch looks at together."""


class Options(HypervolumeOptions):
    """Options of `qlognehvi`."""

    draws: Whole = Field(default=64, ge=1, le=4096)
    """Functions drawn from the models; a power of two suits the sequence that they come from."""
    candidates: Whole = Field(default=2000, ge=1)
    """How many candidates are looked at: of more, those with the highest `ehvi`; the others share the lowest score."""


class NoisyHypervolumeImprovement:
    """BoTorch's qLogNEHVI: the logarithm of the gain in hypervolume over a front that is itself uncertain.

    Daulton, Balandat, Bakshy, Parallel Bayesian optimization of multiple noisy objectives with expected
    hypervolume improvement, NeurIPS (2021); its logarithm: Ament et al., NeurIPS (2023). Points that are pending
    are taken into account here. Comes with `motet[botorch]`; PluginProblem without. Several hundred times slower
    than `ehvi`.
    """

    needs = frozenset({Gives.MEAN_STD, Gives.BOTORCH})
    several = True
    scale = "log"

    def __init__(self, options: Options) -> None:
        if find_spec("botorch") is None:
            raise PluginProblem("acquisition qlognehvi: BoTorch is not installed: pip install 'motet[botorch]'")
        self._options = options

    def score(self, view: View) -> Array:
        """Scores (n,). Raises LearnerError while no point has every objective measured."""
        if not len(view.outcomes):
            raise LearnerError("qlognehvi needs a point at which every objective was measured; there is none yet")
        reference = reference_point(view, self._options.reference)
        chosen = self._promising(view, reference)
        scores = np.empty(len(view.rows))
        scores[chosen] = found = self._scored(view, view.x[chosen], reference)
        scores[np.setdiff1d(np.arange(len(scores)), chosen)] = found.min()
        return scores

    def _promising(self, view: View, reference: Array) -> NDArray[np.intp]:
        """Numbers of the candidates to look at, rising."""
        count = self._options.candidates
        if len(view.rows) <= count or len(view.models) > OBJECTIVES:
            return np.arange(len(view.rows))
        means = np.stack([prediction.mean for prediction in view.predictions])
        stds = np.stack([prediction.std for prediction in view.predictions])
        worth = expected_improvement(means, stds, view.outcomes, reference)
        return np.sort(np.argsort(-worth, kind="stable")[:count])

    def _scored(self, view: View, x: Array, reference: Array) -> Array:
        seed = int(view.rng.integers(2**31))
        known = {row.tobytes() for row in view.outcomes_at}
        pending = np.array([row for row in view.pending if row.tobytes() not in known])
        with one_torch_thread(seed) as torch:
            logei = loaded("botorch.acquisition.multi_objective.logei")
            # Else BoTorch compiles a kernel at first use, for most of a minute; digits would depend on the compiler.
            logei._load_attempted = True
            sampler = loaded("botorch.sampling.normal").SobolQMCNormalSampler
            acquisition = logei.qLogNoisyExpectedHypervolumeImprovement(
                model=loaded("botorch.models").ModelListGP(*botorch_models(view)),
                ref_point=reference.tolist(),
                X_baseline=_tensor(torch, view.outcomes_at),
                X_pending=_tensor(torch, pending) if len(pending) else None,
                sampler=sampler(torch.Size([self._options.draws]), seed=seed),
                prune_baseline=True,
            )
            rows = _tensor(torch, x)[:, None, :]
            with torch.no_grad():
                parts: Sequence[Any] = [acquisition(part).numpy() for part in rows.split(BATCH)]
        return np.concatenate(parts)


def _tensor(torch: Any, rows: Array) -> Any:
    """Rows (n, d) with one column where there is none, as BoTorch's models have it."""
    return torch.tensor(rows if rows.shape[1] else np.zeros((len(rows), 1)))
