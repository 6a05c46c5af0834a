"""The world of an electrolyte formulation bench: stock solutions are dosed into a vessel, stirred, heated, measured.

The conductivity of LiPF6 in mixtures of EC, PC and EMC follows

    k = -5.11 c - 0.04 T - 0.35 c^2.5 r^0.5 + 2.73e-4 T^2 c^0.25   (mS/cm)

with the molality c of the salt (mol per kg of solvent), the temperature T (K) and the mass ratio r of PC to EC
(Flores et al., Learning the laws of lithium-ion transport in electrolytes using symbolic regression, Digital Discovery
1, 440 (2022), fitted to data with c of 0.2 to 2.1 mol/kg, r up to 1 and T of 243 to 333 K). Below zero it is zero here.

Volumes in mL, masses in g, temperatures in degC.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from motet.contracts.simulation import Clock

KELVIN = 273.15
MOLAR_MASS = 151.905
"""Of LiPF6, g/mol."""
DRAIN, TEMPERATURE, STIRRING = "drain", "temperature", "stirring"


class Stock(BaseModel):
    """A stock solution. The solvent is what its parts by mass say."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    salt: float = Field(default=0.0, ge=0, le=3)
    """Molality of LiPF6, mol/kg of solvent."""
    ec: float = Field(default=0.0, ge=0)
    pc: float = Field(default=0.0, ge=0)
    emc: float = Field(default=0.0, ge=0)
    density: float = Field(default=1.1, gt=0)
    """g/mL."""


STOCKS = {
    "salt_ec": Stock(salt=2.2, ec=3.0, emc=7.0, density=1.27),
    "salt_pc": Stock(salt=2.2, ec=1.5, pc=1.5, emc=7.0, density=1.26),
    "ec": Stock(ec=3.0, emc=7.0, density=1.09),
    "pc": Stock(ec=1.5, pc=1.5, emc=7.0, density=1.07),
}
"""Salt of 2.2 mol/kg or none, in a solvent of 30 % cyclic carbonates without PC (r = 0) or half of it (r = 1)."""


class Options(BaseModel):
    """The stocks, the vessel, and how fast it mixes."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    stocks: dict[str, Stock] = Field(default_factory=lambda: dict(STOCKS), min_length=1)
    """By name: what pumps deliver into the vessel."""
    vessel_mass: float = Field(default=25.0, ge=0)
    """Of the empty vessel, g."""
    capacity: float = Field(default=30.0, gt=0)
    """What the vessel holds, mL; more than that is spilled."""
    residue: float = Field(default=0.02, ge=0)
    """What stays in it when it is drained, mL."""
    ambient: float = Field(default=25.0, gt=-50, lt=100)
    """The temperature of a vessel that nobody heats, degC."""
    mixing_time: float = Field(default=5.0, gt=0)
    """With which time constant a stirred vessel becomes uniform, s."""
    still_factor: float = Field(default=100.0, ge=1)
    """How many times as long that takes in one that is not stirred."""
    full_speed: float = Field(default=300.0, gt=0)
    """From which speed on it counts as stirred, 1/min."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """What is in the vessel, by mass in g."""

    salt: float = 0.0
    ec: float = 0.0
    pc: float = 0.0
    emc: float = 0.0
    volume: float = 0.0
    """mL."""

    @property
    def mass(self) -> float:
        """g."""
        return self.salt + self.ec + self.pc + self.emc

    def plus(self, stock: Stock, volume: float) -> "Mixture":
        """With so many mL of a stock."""
        parts = stock.ec + stock.pc + stock.emc
        solvent = volume * stock.density / (1 + stock.salt * MOLAR_MASS / 1000) / (parts or 1.0)
        salt = volume * stock.density - solvent * parts
        return Mixture(
            self.salt + salt,
            self.ec + solvent * stock.ec,
            self.pc + solvent * stock.pc,
            self.emc + solvent * stock.emc,
            self.volume + volume,
        )

    def scaled(self, part: float) -> "Mixture":
        """Only a part of it."""
        return Mixture(self.salt * part, self.ec * part, self.pc * part, self.emc * part, self.volume * part)

    def conductivity(self, temperature: float) -> float:
        """mS/cm at a temperature in degC; 0 for an empty vessel."""
        solvent = self.ec + self.pc + self.emc
        if solvent <= 0 or self.salt <= 0 or (self.ec <= 0 < self.pc):
            return 0.0
        ratio = self.pc / self.ec if self.pc > 0 else 0.0
        return conductivity(self.salt / MOLAR_MASS / solvent * 1000, ratio, temperature + KELVIN)


def conductivity(molality: float, ratio: float, kelvin: float) -> float:
    """Flores' relation, mS/cm; 0 where it gives less."""
    k = -5.11 * molality - 0.04 * kelvin - 0.35 * molality**2.5 * math.sqrt(ratio)
    return max(0.0, k + 2.73e-4 * kelvin**2 * molality**0.25)


class ElectrolyteBench:
    """A vessel into which stock solutions of LiPF6, EC, PC and EMC are dosed; its conductivity is Flores' relation."""

    def __init__(self, options: Options, clock: Clock, seed: int) -> None:
        self.takes = frozenset({*options.stocks, DRAIN, TEMPERATURE, STIRRING})
        self.reads = frozenset({"conductivity", "mass", "volume", TEMPERATURE})
        self.mixture = Mixture()
        self._options = options
        self._clock = clock
        self._drivers: dict[str, Callable[[], float]] = {}
        self._seen = Mixture()
        self._since = clock.now()

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        """A heater drives the temperature, a stirrer the stirring. Raises KeyError, ValueError for a second source."""
        if quantity not in (TEMPERATURE, STIRRING):
            raise KeyError(f"{quantity!r} cannot be driven; allowed: {TEMPERATURE}, {STIRRING}")
        if quantity in self._drivers:
            raise ValueError(f"{quantity} has a source already")
        self._mix()
        self._drivers[quantity] = value
        return self._mix

    def add(self, quantity: str, amount: float) -> None:
        """So many mL of a stock. Of `drain`, or negative, so many mL of the mixture are taken out. Raises KeyError."""
        if quantity != DRAIN and quantity not in self._options.stocks:
            raise KeyError(f"{quantity!r} is no stock; allowed: {', '.join(self._options.stocks)}, {DRAIN}")
        self._mix()
        if quantity == DRAIN or amount < 0:
            self._take(abs(amount))
        else:
            self.mixture = self.mixture.plus(self._options.stocks[quantity], amount)
            spilled = self.mixture.volume - self._options.capacity
            if spilled > 0:
                self.mixture = self.mixture.scaled(self._options.capacity / self.mixture.volume)

    def read(self, quantity: str) -> float:
        """What a sensor in, or a balance under, the vessel sees. Raises KeyError."""
        self._mix()
        match quantity:
            case "conductivity":
                return self._seen.conductivity(self.read(TEMPERATURE)) if self.mixture.volume > 0 else 0.0
            case "mass":
                return self._options.vessel_mass + self.mixture.mass
            case "volume":
                return self.mixture.volume
            case "temperature":
                source = self._drivers.get(TEMPERATURE)
                return self._options.ambient if source is None else source()
            case _:
                raise KeyError(f"{quantity!r} cannot be read; allowed: {', '.join(sorted(self.reads))}")

    def _take(self, volume: float) -> None:
        left = max(min(self._options.residue, self.mixture.volume), self.mixture.volume - volume)
        if self.mixture.volume > 0:
            self.mixture = self.mixture.scaled(left / self.mixture.volume)

    def _mix(self) -> None:
        """The sensor's surroundings become what the vessel holds on average, in the time since it was last seen to."""
        now = self._clock.now()
        tau = self._options.mixing_time * (1.0 if self._stirred() else self._options.still_factor)
        old, new = math.exp(-(now - self._since) / tau), self.mixture
        self._since = now
        seen, weight = self._seen, max(self._seen.mass, 1e-12)
        part = new.mass * old / weight  # of the mass that is there now, what is still as it was
        rest = new.scaled(1 - old)
        kept = seen.scaled(part)
        self._seen = Mixture(
            kept.salt + rest.salt, kept.ec + rest.ec, kept.pc + rest.pc, kept.emc + rest.emc, kept.volume + rest.volume
        )

    def _stirred(self) -> bool:
        source = self._drivers.get(STIRRING)
        return source is not None and source() >= self._options.full_speed
