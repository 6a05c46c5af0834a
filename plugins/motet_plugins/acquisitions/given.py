"""What a surrogate has given, or a LearnerError: one that does not declare it is refused long before."""

from collections.abc import Iterator
from typing import Any, NoReturn

from motet.contracts.belief import Array, Correlated, Gives, Prediction, Sampling, View
from motet.errors import LearnerError

CHUNK = 4096
"""Points of which all that the members say is looked at together."""


def members(prediction: Prediction) -> Array:
    """What each of m members predicts (m, n)."""
    return _lacking(Gives.MEMBERS) if prediction.members is None else prediction.members


def probabilities(prediction: Prediction) -> Array:
    """The probability of every class (n, k)."""
    return _lacking(Gives.PROBABILITIES) if prediction.probabilities is None else prediction.probabilities


def member_probabilities(prediction: Prediction) -> Array:
    """The probability of every class by every member (m, n, k)."""
    found = prediction.member_probabilities
    return _lacking(Gives.MEMBER_PROBABILITIES) if found is None else found


def parts(committee: Array) -> Iterator[Array]:
    """What a committee says of n points (m, n, k), of some points after the other, which bounds the memory needed."""
    for begin in range(0, committee.shape[1], CHUNK):
        yield committee[:, begin : begin + CHUNK]


def sampling(view: View) -> Sampling:
    """A model from which functions can be drawn."""
    return view.model if isinstance(view.model, Sampling) else _lacking(Gives.SAMPLES)


def correlated(view: View) -> Correlated:
    """A model that knows how its errors go together."""
    return view.model if isinstance(view.model, Correlated) else _lacking(Gives.COVARIANCE)


def botorch_models(view: View) -> list[Any]:
    """One BoTorch model for each objective."""
    return [getattr(model, "botorch", None) or _lacking(Gives.BOTORCH) for model in view.models]


def _lacking(what: Gives) -> NoReturn:
    raise LearnerError(f"the surrogate's model lacks what the acquisition needs: {what}")
