"""Who answers on a line, and who should."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from motet.errors import ConnectionProblem


@dataclass(frozen=True, slots=True)
class Identity:
    """What an instrument says it is; a part that it does not tell is empty."""

    maker: str
    model: str
    serial_number: str = ""
    firmware: str = ""

    def __str__(self) -> str:
        """`OWIS PS90, serial number 08070255, firmware 6.2`."""
        parts = [" ".join(filter(None, (self.maker, self.model)))]
        if self.serial_number:
            parts.append(f"serial number {self.serial_number}")
        if self.firmware:
            parts.append(f"firmware {self.firmware}")
        return ", ".join(parts)


class Expected(BaseModel):
    """What the lab file says of the instrument that must answer: the base of a driver's options."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    serial_number: str | None = None
    """What the instrument's serial number must be."""
    firmware: str | None = None
    """What its firmware version must begin with."""

    def check(self, device: str, where: object, found: Identity) -> None:
        """Raises ConnectionProblem, naming the device, where it is and both values, for another instrument.

        An instrument that does not tell what the lab file asks for is another one.
        """
        if self.serial_number not in (None, found.serial_number):
            raise self._other(device, where, found, "serial number", found.serial_number, self.serial_number)
        if self.firmware is not None and not found.firmware.startswith(self.firmware):
            raise self._other(device, where, found, "firmware", found.firmware, f"{self.firmware}...")

    def _other(
        self, device: str, where: object, found: Identity, what: str, has: str, wanted: str | None
    ) -> ConnectionProblem:
        it = " ".join(filter(None, (found.maker, found.model))) or "the instrument"
        told = f"has {what} {has}" if has else f"does not tell its {what}"
        return ConnectionProblem(f"{device}: {it} at {where} {told}, the lab file says {wanted}")
