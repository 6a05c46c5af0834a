"""An electrochemical cell: a reversible couple at a planar electrode, its diffusion solved numerically.

The couple R = O + n e- diffuses in one dimension with one coefficient D for both, so that their sum stays what it is
and one profile is enough. At the electrode: Butler-Volmer kinetics (Bard and Faulkner, Electrochemical Methods, 2nd
ed., eq. 3.3.11), with a double layer beside it and the solution's resistance in front.

Checked against Randles-Sevcik, i_p = 0.4463 n F A c sqrt(n F v D / R T) (eq. 6.2.18), Cottrell,
i = n F A c sqrt(D / pi t) (eq. 5.2.11), and 57 to 60 mV between the peaks of a voltammogram (eq. 6.5.1).
Potentials in V, currents in A (anodic is positive), times in s, lengths in cm inside.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from motet_simulators.emstat_pico.electrochemical_diffusion import GAMMA, MORE, diffusion, step_of

FARADAY, GAS = 96485.33212, 8.314462618
_ZERO_CELSIUS = 273.15
_RAMP_V = 2e-3
"""So far may the potential run in one step of the solution."""
_AFTER_JUMP = 1 / 6
"""A step may be so large a part of the time since the potential jumped ..."""
_TICKS = 128
"""... but not smaller than the time asked for divided by this, a power of two."""
_TOLERANCE_V, _FARTHEST_V, _MOST_ITERATIONS = 1e-6, 0.1, 200
"""Of Newton's method, whose last change leaves far less than the tolerance."""
_FARTHEST_OVERPOTENTIAL_V = 7.0


class Cell(Protocol):
    """What is between the leads of a potentiostat. A world that has a cell of its own offers one of these."""

    def begin(self, potential: float) -> None:
        """The cell is switched on at a potential, V."""
        ...

    def ramp(self, start: float, end: float, seconds: float) -> float:
        """Let the potential run from one value to another (or stay), and give the current at the end, A."""
        ...

    def rest(self) -> None:
        """The cell is switched off."""
        ...

    def open_circuit(self) -> float:
        """The potential without current, V."""
        ...

    def impedance(self, potential: float, frequency: float) -> complex:
        """The impedance at a potential (V) and a frequency (Hz), ohm."""
        ...


class CellOptions(BaseModel):
    """The couple, the electrode and the solution."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    concentration: float = Field(default=1.0, gt=0, le=1e4)
    """Of the couple, both forms together, mM."""
    oxidized: float = Field(default=0.001, gt=0, lt=1)
    """The part of it that is oxidized far from the electrode."""
    diffusion: float = Field(default=7.6e-6, gt=0, le=1)
    """Diffusion coefficient of both forms, cm2/s."""
    area: float = Field(default=0.0707, gt=0)
    """Of the electrode, cm2: a disk of 3 mm by default."""
    formal_potential: float = Field(default=0.2, ge=-10, le=10)
    """V against the reference."""
    electrons: int = Field(default=1, ge=1, le=8)
    temperature: float = Field(default=25.0, gt=-100, lt=300)
    """degC."""
    rate_constant: float = Field(default=1.0, gt=0)
    """Standard rate constant, cm/s; the default is as good as reversible."""
    transfer: float = Field(default=0.5, gt=0, lt=1)
    """Transfer coefficient of the reduction."""
    double_layer: float = Field(default=5.0, ge=0)
    """Capacity of the double layer, uF/cm2."""
    resistance: float = Field(default=5.0, ge=0)
    """Uncompensated, ohm."""


class ReversibleCell:
    """A cell whose solution is at rest and fresh each time the cell is switched on."""

    def __init__(self, options: CellOptions) -> None:
        self._options = options
        self._nodes = len(diffusion(options.diffusion).operator)
        self.concentration = options.concentration
        """mM; may be changed while the cell is off."""
        self.temperature = options.temperature
        """degC; may be changed while the cell is off."""
        self._potential = self._inner = options.formal_potential
        self._since_jump = 0.0
        self._profile = self._bulk()
        self._now = self._electrode()

    def begin(self, potential: float) -> None:
        """Switched on: the solution is fresh, and the potential jumps from that of the open circuit."""
        self._profile = self._bulk()
        self._now = self._electrode()
        self._potential = self._inner = self.open_circuit()
        self._jump(potential)

    def rest(self) -> None:
        """Switched off: until it is switched on again, the solution mixes."""
        self._profile = self._bulk()

    def ramp(self, start: float, end: float, seconds: float) -> float:
        """The current at the end of a ramp, A."""
        if start != self._potential:
            self._jump(start)
        slope = (end - start) / seconds
        longest = _TICKS if start == end else _TICKS * _RAMP_V / abs(end - start)
        done, current = 0, 0.0
        while done < _TICKS:
            part = min(longest, _TICKS * self._since_jump * _AFTER_JUMP / seconds, _TICKS)
            ticks = 1 << max(0, int(math.log2(part + 1e-9))) if part >= 1 else 1
            ticks = min(ticks, done & -done) if done else ticks  # powers of two: few matrices, and they end together
            done += ticks
            dt = seconds * ticks / _TICKS
            current = self._advance(start + slope * seconds * done / _TICKS, slope, dt)
            self._since_jump += dt
        self._potential = end
        return current

    def open_circuit(self) -> float:
        """Nernst: E = E0 + RT/nF ln(c_O / c_R), V."""
        oxidized = self._options.oxidized
        return self._options.formal_potential + math.log(oxidized / (1 - oxidized)) / self._per_volt

    def impedance(self, potential: float, frequency: float) -> complex:
        """Randles' circuit: the resistance, then the double layer beside charge transfer and Warburg impedance, ohm.

        The concentrations at the electrode are those that the potential gives (Bard and Faulkner, eqs. 10.3.2 and
        10.3.9).
        """
        options = self._options
        x = max(-60.0, min(60.0, self._per_volt * (potential - options.formal_potential)))
        reduced = 1 / (1 + math.exp(x))
        oxidized = 1 - reduced if x < 0 else 1 / (1 + math.exp(-x))
        conductance = self._amperes_per_cm_s * self._per_volt  # n2 F2 A c / RT, for 1 cm/s
        transfer = 1 / (conductance * options.rate_constant * oxidized ** (1 - options.transfer))
        transfer /= reduced**options.transfer
        omega = 2 * math.pi * frequency
        sigma = (1 / oxidized + 1 / reduced) / (conductance * math.sqrt(2 * options.diffusion))
        faradaic = transfer + sigma * (1 - 1j) / math.sqrt(omega)
        return options.resistance + 1 / (1 / faradaic + 1j * omega * self._farads)

    @property
    def _per_volt(self) -> float:
        return self._options.electrons * FARADAY / (GAS * (self.temperature + _ZERO_CELSIUS))

    @property
    def _amperes_per_cm_s(self) -> float:
        """Current for a rate of 1 cm/s at the full concentration: n F A c."""
        return self._options.electrons * FARADAY * self._options.area * self.concentration * 1e-6

    @property
    def _farads(self) -> float:
        return self._options.double_layer * 1e-6 * self._options.area

    def _electrode(self) -> "_Electrode":
        options = self._options
        return _Electrode(
            options.formal_potential,
            options.rate_constant,
            (1 - options.transfer) * self._per_volt,
            options.transfer * self._per_volt,
            self._amperes_per_cm_s,
            self._farads,
            options.resistance,
        )

    def _bulk(self) -> NDArray[np.float64]:
        return np.full(self._nodes, 1 - self._options.oxidized)

    def _jump(self, potential: float) -> None:
        self._potential = potential
        self._since_jump = 0.0

    def _advance(self, potential: float, slope: float, dt: float) -> float:
        """One step in time, to a potential; the current then.

        Both stages are linear in the profile before and in the two rates of reaction, so that one product of a matrix
        does for both.
        """
        step = step_of(self._options.diffusion, GAMMA * dt)
        electrode, inner, seconds = self._now, self._inner, step.seconds
        free = step.matrix @ self._profile
        at_middle = potential - slope * dt * (1 - GAMMA)
        between, first = electrode.react(float(free[0]), step.sink_0, inner, at_middle, seconds)
        charged = inner + MORE * (between - inner)
        surface = float(free[1]) - first * step.carried_0
        self._inner, second = electrode.react(surface, step.sink_0, charged, potential, seconds)
        self._profile = free[1:] - (first * step.carried + second * step.sink)
        charging = (self._inner - charged) / seconds if electrode.resistance else slope
        return electrode.amperes * second + electrode.farads * charging


@dataclass(frozen=True, slots=True)
class _Electrode:
    """What happens at the electrode, with the couple and the temperature as they are while the cell is on."""

    formal_potential: float
    rate_constant: float
    forward_per_volt: float
    backward_per_volt: float
    amperes: float
    """For a rate of 1 cm/s."""
    farads: float
    resistance: float

    def react(
        self, surface: float, sink: float, charged: float, potential: float, seconds: float
    ) -> tuple[float, float]:
        """The potential behind the resistance, V, and the rate of oxidation, cm/s.

        `surface` is the reduced part at the electrode without a reaction, `sink` how much of it a rate of 1 takes;
        `charged` is the potential to which the double layer was charged, `seconds` before. By Newton's method: what
        comes through the resistance is used up behind it.
        """
        if not self.resistance:
            return potential, self._rate(potential, surface, sink)[0]
        capacity, conductance, inner, rate = self.farads / seconds, 1 / self.resistance, charged, 0.0
        for _ in range(_MOST_ITERATIONS):
            rate, slope = self._rate(inner, surface, sink)
            excess = (potential - inner) * conductance - self.amperes * rate - capacity * (inner - charged)
            change = excess / (conductance + self.amperes * slope + capacity)
            change = max(-_FARTHEST_V, min(_FARTHEST_V, change))
            inner += change
            rate += slope * change
            if abs(change) < _TOLERANCE_V:
                break
        return inner, rate

    def _rate(self, inner: float, surface: float, sink: float) -> tuple[float, float]:
        """Butler and Volmer: the rate of oxidation, cm/s, and its slope, cm/(s V)."""
        over = max(-_FARTHEST_OVERPOTENTIAL_V, min(_FARTHEST_OVERPOTENTIAL_V, inner - self.formal_potential))
        forward = self.rate_constant * math.exp(self.forward_per_volt * over)
        backward = self.rate_constant * math.exp(-self.backward_per_volt * over)
        below = 1 + sink * (forward + backward)
        rate = (forward * surface - backward * (1 - surface)) / below
        d_forward, d_backward = self.forward_per_volt * forward, -self.backward_per_volt * backward
        change = d_forward * surface - d_backward * (1 - surface) - rate * sink * (d_forward + d_backward)
        return rate, change / below
