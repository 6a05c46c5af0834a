"""Where the messages of a station are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one station: `motet/LAB/station/NAME/...`."""

    lab: str
    station: str

    @property
    def manifest(self) -> str:
        """What the station is and can do; retained."""
        return self._of("manifest")

    @property
    def state(self) -> str:
        """What it is doing, again every few seconds; retained, and its last will."""
        return self._of("state")

    @property
    def request(self) -> str:
        """What orchestrators ask of it."""
        return self._of("request")

    @property
    def reply(self) -> str:
        """Its answers to requests."""
        return self._of("reply")

    @property
    def result(self) -> str:
        """What it has measured, again and again until somebody acknowledges it."""
        return self._of("result")

    @property
    def event(self) -> str:
        """What happens there, for those who watch, and what it asks people."""
        return self._of("event")

    @property
    def all(self) -> tuple[str, ...]:
        """All of them."""
        return (self.manifest, self.state, self.request, self.reply, self.result, self.event)

    def _of(self, kind: str) -> str:
        return f"motet/{self.lab}/station/{self.station}/{kind}"
