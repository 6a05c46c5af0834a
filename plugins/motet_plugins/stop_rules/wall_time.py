"""The stop rule `time`."""

from pydantic import field_validator

from motet.contracts.learning import History
from motet.files.units import convert
from motet.model.values import Bound, Frozen


class Options(Frozen):
    """Options of `time`."""

    after: Bound
    """Since the campaign started: hours, or a quantity such as `90 min` or `2 days`."""

    @field_validator("after")
    @classmethod
    def _some_time(cls, found: Bound) -> Bound:
        if not convert(found, "h") > 0:
            raise ValueError(f"{found!r} must be more than 0")
        return found


class WallTime:
    """When so much time has passed since the campaign started, pauses included.

    Experiments that run then are finished.
    """

    def __init__(self, options: Options) -> None:
        self._hours = convert(options.after, "h")
        self._said = options.after if isinstance(options.after, str) else f"{options.after:g} h"

    def reason(self, history: History) -> str | None:
        """Holds from that time on."""
        return f"{self._said} have passed" if history.elapsed_s >= 3600 * self._hours else None

    def most(self) -> int | None:
        """No bound."""
        return None
