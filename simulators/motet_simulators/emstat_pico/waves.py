"""The waves from which a simulated EmStat calculates an impedance: potential and current, sample by sample.

`eis_tdd(potentials currents count rate 0)` after the arguments of `meas_loop_eis` asks for them; types `ce`, `cf` and
`cg`: PalmSens' own example and reader of packages (MethodSCRIPT_Examples, example_eis_tdd.mscr, palmsens/mscript.py).
Not verified: how many samples there are, and what the last argument stands for.
"""

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass

from motet_simulators.emstat_pico.machine import Value

_PERIODS, _SAMPLES_A_PERIOD = 4, 32


@dataclass(frozen=True, slots=True)
class Waves:
    """Potentials (V) and currents (A), with what the amplitude and the impedance make them; `rate` in Hz."""

    potentials: Sequence[Value]
    currents: Sequence[Value]
    rate: float


def waves(frequency: float, real: Value, imaginary: float, amplitude: float, potential: float) -> Waves:
    """The waves at a frequency (Hz), of an amplitude (V rms) around a potential (V). The current has no mean."""
    peak = math.sqrt(2) * amplitude
    turns = [2 * math.pi * n / _SAMPLES_A_PERIOD for n in range(_PERIODS * _SAMPLES_A_PERIOD)]
    current = peak / complex(real.number, imaginary)
    return Waves(
        tuple(Value(potential + peak * math.cos(turn), "ce") for turn in turns),
        tuple(
            Value((current * cmath.exp(1j * turn)).real, "cf", status=real.status, range=real.range) for turn in turns
        ),
        _SAMPLES_A_PERIOD * frequency,
    )
