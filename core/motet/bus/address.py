"""The address of a broker: `mqtt://[user[:password]@]host[:port]`, or `mqtts://` for TLS, and who asks there."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from motet.errors import ConnectionProblem

_PORTS = {"mqtt": 1883, "mqtts": 8883}
KEEPALIVE_S = 10
"""How often a client says that it is there, unless somebody asks for another time, seconds."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is, who asks, and how each knows the other. It prints without the password.

    `ca` is a file with the authorities that may have signed the broker's certificate, the system's when None;
    `certificate` and `key` are the client's own. All three are PEM, and read again at every connection.
    """

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    keepalive: int = KEEPALIVE_S
    """Seconds: a broker that hangs is noticed within 1.5 times that."""

    @classmethod
    def parse(
        cls,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        ca: Path | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
        keepalive: int = KEEPALIVE_S,
    ) -> "Address":
        """The address that a URL states, with what it does not. Raises ConnectionProblem for a URL that states none."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConnectionProblem(f"MQTT broker {_hidden(url)!r}: {error}") from error
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ConnectionProblem(f"MQTT broker {_hidden(url)!r}: it is written mqtt://[user:password@]host[:port]")
        return cls(
            parts.hostname,
            port or _PORTS[parts.scheme],
            parts.scheme == "mqtts",
            user if parts.username is None else unquote(parts.username),
            password if parts.password is None else unquote(parts.password),
            ca,
            certificate,
            key,
            keepalive,
        )

    @property
    def url(self) -> str:
        """`mqtt://host:port` or `mqtts://host:port`, without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    def context(self) -> ssl.SSLContext | None:
        """What TLS needs, None without TLS. Reads files. Raises ConnectionProblem naming one that is of no use."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except OSError as error:  # ssl.SSLError is one
            raise ConnectionProblem(f"MQTT broker {self}: the authorities in {self.ca}: {_reason(error)}") from error
        context.sslsocket_class = _Closing
        if self.certificate is not None:
            try:
                context.load_cert_chain(self.certificate, self.key)
            except OSError as error:
                files = f"the certificate {self.certificate} with the key {self.key}"
                raise ConnectionProblem(f"MQTT broker {self}: {files}: {_reason(error)}") from error
        return context

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class _Closing(ssl.SSLSocket):
    """A socket that paho, which forgets about it when the other side is not trusted, need not close then."""

    def do_handshake(self, block: bool = False) -> None:
        """Agree with the other side. Raises OSError."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _hidden(url: str) -> str:
    """A URL with its password hidden; what stands before the last `@` may hold one, however badly it is written."""
    start, at, rest = url.rpartition("@")
    scheme = start.partition("://")[0] + "://" if "://" in start else ""
    return f"{scheme}***@{rest}" if at else url


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        return "they do not belong together" if mismatch else "no PEM file of the kind that is needed"
    return error.strerror or str(error)
