"""On what terms an orchestrator uses a station."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Terms:
    """What an orchestrator wants of a station: who it is, for which campaign, and what its lab file says of the station
    (`manifest.part_of`). `lease_s` is how long the station stays held without a word, `renew_s` how often it gets one,
    `lost_after_s` how long it may be silent before its experiment is given up, all in seconds. `settled`, called in a
    thread, says whether it is stored how a job ended."""

    orchestrator: str
    campaign: str
    part: Mapping[str, Any]
    lease_s: float = 30.0
    renew_s: float = 10.0
    lost_after_s: float = 30.0
    settled: Callable[[str], bool] = lambda job: False
