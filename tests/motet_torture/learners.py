"""Parts of a learner that fail on demand: they raise, never come back, or choose a point that there is not."""

import math
import threading
from typing import Literal

from motet.contracts.belief import Array, View
from motet.contracts.learning import Beginning
from motet.model.values import Frozen, Whole

FOREVER_S = 3600.0


class Options(Frozen):
    """When it fails, and how."""

    does: Literal["crash", "hang", "outside", "nan", "nothing"]
    after: Whole = 0
    """So many points are chosen before."""
    n: Whole = 5000
    """As a start design: so many points."""


class FailingStart:
    """A start design that takes the points in their order, and so at once what is free again, until it fails."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def count(self, stations: int) -> int:
        """As many as the option says."""
        return self._options.n

    def choose(self, beginning: Beginning) -> int:
        """The number of a candidate."""
        if beginning.number >= self._options.after:
            match self._options.does:
                case "crash" | "nan":
                    raise ZeroDivisionError("the start design divides by zero")
                case "hang":
                    threading.Event().wait(FOREVER_S)
                case "outside":
                    return len(beginning.candidates) + 7
                case "nothing":
                    pass
        return 0


class FailingAcquisition:
    """An acquisition that prefers what is least known, until it fails."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def score(self, view: View) -> Array:
        """Scores of shape (n,)."""
        std = view.wholes[0].at(view.rows).std
        if len(view.data[0]) >= self._options.after:
            match self._options.does:
                case "crash":
                    raise ZeroDivisionError("the acquisition divides by zero")
                case "hang":
                    threading.Event().wait(FOREVER_S)
                case "nan" | "outside":
                    return std * math.nan
                case "nothing":
                    pass
        return std
