"""What would keep the event loop of a process with stations from its work, and from an emergency stop, kept short.

To go through everything that there is, as the garbage collector does now and then, takes 0.1 to 0.3 s. A thread that
computes, such as a fit, keeps the interpreter for 5 ms at each of the loop's turns, of which a stop takes some.
"""

import gc
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from motet.model.events import Event

SWITCH_S = 0.001
"""The longest that another thread keeps the interpreter when the loop wants it, seconds; Python's own is 0.005."""


def undisturbed() -> None:
    """From now on, until the process ends: what is there by now is left alone by the garbage collector."""
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_S)


def when_running() -> "Callable[[Event], None]":
    """A sink that does so when the first campaign is running: its stations are connected, and nothing moves yet."""
    from motet.model.events import CampaignChanged, CampaignState

    done = False

    def see(event: "Event") -> None:
        nonlocal done
        if not done and isinstance(event, CampaignChanged) and event.state is CampaignState.RUNNING:
            done = True
            undisturbed()

    return see
