"""How long a motion of an OWIS axis takes, and when to look at it next."""

import math

FIRST_POLL_S = 0.001
POLL_PART = 0.125
"""Once a motion should have ended, a wait between two polls is this part of the time since then."""


def lasts(distance: float, speed: float, acceleration: float) -> float:
    """Seconds from rest to rest with a trapezoidal profile of velocity; lengths in mm, times in s.

    At most a second more than three times distance / speed: whatever the controller says of its acceleration.
    """
    ramp = min(speed / acceleration, math.sqrt(distance / acceleration)) if acceleration > 0 else 0.0
    cruise = max(0.0, distance - ramp * ramp * acceleration) / speed
    return min(2 * ramp + cruise, 3 * distance / speed + 1.0)


def pause(left: float, watch: float, poll: float) -> float:
    """How long to wait before the next look at a motion that should end in `left` seconds.

    `watch` is the longest wait while it should be on its way, `poll` once it should have ended.
    """
    if left > 0:
        return min(left + FIRST_POLL_S, watch)
    return min(poll, max(FIRST_POLL_S, -POLL_PART * left))
