"""The broker of a lab: where it is, and who asks there."""

from pathlib import Path

from pydantic import Field, model_validator

from motet.model.values import Bound, Frozen

BROKER_PATTERN = r"^(embedded|none|mqtts?://.+)$"
VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"


class Secret(Frozen):
    """Where a password is. It never stands in the lab file, of which every campaign keeps a copy."""

    env: str | None = Field(default=None, pattern=VARIABLE_PATTERN)
    """The environment variable that holds it."""
    file: Path | None = None
    """The file whose first line it is, relative to the folder of the lab file."""

    @model_validator(mode="before")
    @classmethod
    def _not_itself(cls, found: object) -> object:
        if isinstance(found, str | int | float):
            raise ValueError("`{env: VARIABLE}` or `{file: FILE}` is needed: campaigns keep a copy of this file")
        return found

    @model_validator(mode="after")
    def _one_of_two(self) -> "Secret":
        if (self.env is None) == (self.file is None):
            raise ValueError("either `env` (a variable) or `file` is needed")
        return self


class Broker(Frozen):
    """The MQTT broker where devices, stations and campaigns of a lab meet; its address alone where that is enough."""

    url: str = Field(pattern=BROKER_PATTERN)
    """`embedded`, `none`, or the address of a broker: `mqtt://host[:port]`, or `mqtts://` for TLS."""
    port: int | None = Field(default=None, ge=1, le=65535, strict=True)
    """Of the embedded one: the loopback port where other processes of this computer find it; a free one by default."""
    user: str | None = Field(default=None, min_length=1)
    """Who asks."""
    password: Secret | None = None
    """Where the user's password is: `{env: VARIABLE}` or `{file: FILE}`."""
    ca: Path | None = None
    """The authorities that may have signed the broker's certificate, in PEM; the system's when left out."""
    certificate: Path | None = None
    """The certificate of this lab's clients, in PEM, for brokers that ask for one."""
    key: Path | None = None
    """The key of the certificate, in PEM."""
    keepalive: Bound = "10 s"
    """A broker that hangs is noticed within 1.5 times that, and used again within twice that after it is back."""

    @property
    def embedded(self) -> bool:
        """Whether it is started with the campaign."""
        return self.url == "embedded"

    @property
    def none(self) -> bool:
        """Whether there is none."""
        return self.url == "none"

    @property
    def for_others(self) -> bool:
        """Whether other processes can find it."""
        return not self.none and (not self.embedded or self.port is not None)

    def at(self, url: str) -> "Broker":
        """The same at another address: where the embedded one is."""
        return self.model_copy(update={"url": url})

    @model_validator(mode="before")
    @classmethod
    def _from_url(cls, found: object) -> object:
        return {"url": found} if isinstance(found, str) else found
