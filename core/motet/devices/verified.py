"""What a driver was checked against, for its page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verified:
    """Sources and counterparts of a driver. Who reads it decides how far to trust the driver."""

    manuals: tuple[str, ...] = ()
    """The maker's documents that the protocol was taken from."""
    drivers: tuple[str, ...] = ()
    """Other people's drivers and simulators that it, or its simulator, was run against, with their versions."""
    hardware: tuple[str, ...] = ()
    """Real instruments that it has driven, with their firmware; none: not yet on hardware."""
    unverified: tuple[str, ...] = ()
    """Facts of the protocol that no source could be found for."""
