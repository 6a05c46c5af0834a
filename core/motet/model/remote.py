"""Stations that other processes host, as the lab file states it."""

from typing import Literal

from motet.model.values import Bound, Frozen

WhenAlone = Literal["finish", "hold", "stop"]
"""What a station does with its running experiment when it does not hear of its orchestrator any more."""


class Remote(Frozen):
    """How stations in other processes (`remote: true`) and their orchestrator wait for one another. Times are real
    time, not lab time: seconds, or quantities."""

    when_alone: WhenAlone = "finish"
    """`finish`: the running experiment goes on to its end, its result is kept and delivered later. `hold`: it waits
    before its next step. `stop`: it is aborted, and the devices go to their safe state."""
    alone_after: Bound = "30 s"
    """A station that has not heard of its orchestrator for so long is alone, and another orchestrator may have it."""
    lost_after: Bound = "30 s"
    """A station that has not been heard of for so long, while the broker is there, is lost: its experiment is failed or
    retried by the campaign's policy."""
