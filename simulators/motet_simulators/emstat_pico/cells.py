"""What a simulated potentiostat is connected to: a cell of its own, or what its station's world has."""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from motet.contracts.worlds import World
from motet_simulators.emstat_pico.electrochemical_cell import Cell, CellOptions, ReversibleCell

_FARADS = 1e-6
_OHMS = 1e3


@runtime_checkable
class OffersCell(Protocol):
    """A world that has an electrochemical cell of its own."""

    def cell(self) -> Cell:
        """The cell, for one potentiostat."""
        ...


@dataclass(frozen=True, slots=True)
class Quantities:
    """Names of the world's quantities that a cell depends on: concentration in mM, temperature in degC, and current in
    units of `unit` A."""

    concentration: str
    temperature: str
    current: str
    unit: float


def cell_for(options: CellOptions, world: object, quantities: Quantities) -> Cell:
    """The world's cell if it offers one; its current where it has that quantity; else a reversible couple."""
    if isinstance(world, OffersCell):
        return world.cell()
    if not isinstance(world, World):
        return ReversibleCell(options)
    if quantities.current in world.reads:
        return WorldCurrent(world, quantities)
    return WorldCouple(options, world, quantities)


class WorldCouple(ReversibleCell):
    """A reversible couple whose concentration and temperature are those of the world when the cell is switched on."""

    def __init__(self, options: CellOptions, world: World, quantities: Quantities) -> None:
        super().__init__(options)
        self._world = world
        self._quantities = quantities

    def begin(self, potential: float) -> None:
        """Switched on, in the solution as it is now."""
        self._look()
        super().begin(potential)

    def open_circuit(self) -> float:
        """Nernst, at the temperature of now."""
        self._look()
        return super().open_circuit()

    def _look(self) -> None:
        names, world = self._quantities, self._world
        if names.concentration in world.reads:
            self.concentration = max(1e-9, world.read(names.concentration))
        if names.temperature in world.reads:
            self.temperature = world.read(names.temperature)


class WorldCurrent:
    """A cell whose current is what the world says that it is, whatever the potential."""

    def __init__(self, world: World, quantities: Quantities) -> None:
        self._world = world
        self._quantities = quantities

    def begin(self, potential: float) -> None:
        """Switched on."""

    def ramp(self, start: float, end: float, seconds: float) -> float:
        """The world's current, A."""
        return self._quantities.unit * self._world.read(self._quantities.current)

    def rest(self) -> None:
        """Switched off."""

    def open_circuit(self) -> float:
        """Nobody knows."""
        return 0.0

    def impedance(self, potential: float, frequency: float) -> complex:
        """A dummy cell of 1 kOhm beside 1 uF."""
        return 1 / (1 / _OHMS + 2j * math.pi * frequency * _FARADS)
