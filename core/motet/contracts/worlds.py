"""Worlds: what the simulators of one station share, so that what one does changes what another measures.

A world knows quantities by name; units are mm, mL, g, degC, 1/min, V, A, mS/cm, mN, unless the world says otherwise.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable


@runtime_checkable
class World(Protocol):
    """The sample, vessel or plate that instruments move over, dispense into, heat and measure."""

    @property
    def takes(self) -> frozenset[str]:
        """The quantities that instruments may drive or add to."""
        ...

    @property
    def reads(self) -> frozenset[str]:
        """The quantities that sensors can read."""
        ...

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        """Let an instrument be the source of a quantity, whose value it tells at the time of a call.

        The function given back is to be called just before and just after the value changes otherwise than it was
        told to (a motion begins or ends). Raises KeyError for what the world does not take, ValueError for a second
        source.
        """
        ...

    def add(self, quantity: str, amount: float) -> None:
        """Something was delivered, or with a negative amount taken out. Raises KeyError."""
        ...

    def read(self, quantity: str) -> float:
        """What a sensor sees now, without the sensor's own noise. Raises KeyError."""
        ...
