"""The address of a broker: `mqtt://[user[:password]@]host[:port]`, or `mqtts://` for TLS."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from motet.errors import ConnectionProblem

_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is and who asks. It prints without the password."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> "Address":
        """The address that a URL states. Raises ConnectionProblem for one that states none."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConnectionProblem(f"MQTT broker {url!r}: {error}") from error
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ConnectionProblem(f"MQTT broker {url!r}: it is written mqtt://[user:password@]host[:port]")
        user, password = parts.username, parts.password
        return cls(
            parts.hostname,
            port or _PORTS[parts.scheme],
            parts.scheme == "mqtts",
            None if user is None else unquote(user),
            None if password is None else unquote(password),
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
