"""The surrogate `committee`: several surrogates, which may be of different kinds."""

import math
from collections.abc import Sequence

import numpy as np
from pydantic import Field, model_validator

from motet.contracts.belief import Data, Gives, Predict
from motet.contracts.declarations import Kind, Part
from motet.contracts.learning import Continuing, Surrogate, declared_gives
from motet.errors import PluginProblem
from motet.model.values import Frozen, PluginRef, Real
from motet_plugins.surrogates.bootstrap import seeds
from motet_plugins.surrogates.mixture import Mixture, classes_combined, values_combined
from motet_plugins.surrogates.resampled import resampled, rescaled


class Options(Frozen):
    """Options of `committee`."""

    members: tuple[PluginRef, ...] = Field(min_length=2)
    """Surrogates by name, or by name with options; all of them for numbers, or all for classes."""
    bootstrap: bool = Field(default=False)
    """Whether each member is fitted to a bootstrap sample of the values instead of all of them."""
    weights: tuple[Real, ...] | None = None
    """What each member counts for, above 0; all the same when left out."""

    @model_validator(mode="after")
    def _one_weight_each(self) -> "Options":
        if self.weights is None:
            return self
        if len(self.weights) != len(self.members):
            raise ValueError(f"one weight for each of the {len(self.members)} members; found {len(self.weights)}")
        if not all(weight > 0 and math.isfinite(weight) for weight in self.weights):
            raise ValueError(f"weights above 0 are needed; found {', '.join(map(str, self.weights))}")
        return self


class Committee:
    """Several surrogates that vote (query by committee); where they disagree the prediction is uncertain.

    Seung, Opper, Sompolinsky, Query by committee, COLT (1992) 287-294; with bootstrap samples query by bagging:
    Abe and Mamitsuka, Query learning strategies using boosting and bagging, ICML (1998) 1-9. The prediction is
    that of a mixture of the members.
    """

    gives: frozenset[Gives]

    def __init__(self, options: Options, part: Part) -> None:
        """Raises PluginProblem for members that do not go together."""
        self._bootstrap = options.bootstrap
        weights = np.array(options.weights or [1.0] * len(options.members))
        self._weights = weights / weights.sum()
        self._members: list[Surrogate] = [part(Kind.SURROGATE, ref) for ref in options.members]
        given = [declared_gives(member) for member in self._members]
        if _for_classes([ref.name for ref in options.members], given):
            self._combine = classes_combined
            self.gives = frozenset({Gives.PROBABILITIES, Gives.MEMBER_PROBABILITIES})
        else:
            self._combine = values_combined
            shared = frozenset({Gives.SAMPLES, Gives.COVARIANCE}).intersection(*given)
            self.gives = frozenset({Gives.MEAN_STD, Gives.MEMBERS}) | shared
        if not self._bootstrap and any(isinstance(member, Continuing) for member in self._members):
            self.go_on = self._go_on

    def fit(self, data: Data, seed: int) -> Predict:
        """Every member fitted, with a seed of its own."""
        models = [self._fit(number, data, one) for number, one in self._seeded(seed)]
        return Mixture(models, self._weights, self._combine)

    def _fit(self, number: int, data: Data, seed: int) -> Predict:
        if not self._bootstrap:
            return self._members[number].fit(data, seed)
        sample = resampled(data, np.random.default_rng(seed))
        return rescaled(self._members[number].fit(sample, seed), sample, data)

    def _go_on(self, before: Predict, data: Data, seed: int) -> Predict:
        """What `fit` gives, faster: members that cannot go on are fitted anew."""
        if not isinstance(before, Mixture):
            return self.fit(data, seed)
        models: list[Predict] = []
        for number, one in self._seeded(seed):
            member = self._members[number]
            known = before.models[number]
            models.append(member.go_on(known, data, one) if isinstance(member, Continuing) else member.fit(data, one))
        return Mixture(models, self._weights, self._combine)

    def _seeded(self, seed: int) -> list[tuple[int, int]]:
        return list(enumerate(seeds(seed, len(self._members))))


def _for_classes(names: Sequence[str], given: Sequence[frozenset[Gives]]) -> bool:
    """Whether all members predict classes. Raises PluginProblem when some predict numbers, or one neither."""
    classes = [name for name, gives in zip(names, given, strict=True) if Gives.PROBABILITIES in gives]
    numbers = [name for name, gives in zip(names, given, strict=True) if Gives.MEAN_STD in gives]
    unusable = [name for name in names if name not in classes and name not in numbers]
    if unusable:
        raise PluginProblem(f"committee: {', '.join(unusable)} predicts neither numbers nor classes")
    if classes and len(classes) < len(names):
        others = ", ".join(name for name in numbers if name not in classes)
        raise PluginProblem(
            f"committee: {others} predict{'s' if ',' not in others else ''} numbers and {', '.join(classes)} "
            "classes; all members have to predict the same"
        )
    return bool(classes)
