"""Where samples are and where they have been, as rows of text: for campaigns that pass through several stations."""

from dataclasses import dataclass

from motet.model.sample import Sample, Visit, samples
from motet.report.material import Material
from motet.report.text import NOTHING, duration

MOST = 1000
"""The last so many are shown."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A sample at a station: `when` it came, how long it was there, and why the attempt failed, if it did."""

    where: str
    when: str
    lasted: str
    failed: str


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One sample. `place` is the station that it is at, or was left at; `stands` says which of the two, or where it
    waits to go on; `marks` are the names of its styles."""

    number: str
    id: str
    state: str
    place: str
    stands: str
    stops: tuple[Stop, ...]
    stations: tuple[str, ...]
    marks: str


def sample_rows(material: Material) -> list[SampleRow]:
    """The samples by number, with their histories; none where every sample stayed at one station of one stage."""
    found = samples(material.rows)
    if not material.stages and all(len({visit.station for visit in sample.history}) < 2 for sample in found):
        return []
    return [_row(sample) for sample in found[-MOST:]]


def _row(sample: Sample) -> SampleRow:
    number = sample.id.rpartition("/")[2]
    stops = tuple(_stop(visit) for visit in sample.history)
    marks = f"{sample.state}{' at-work' if sample.is_at_work else ''}"
    stations = tuple(dict.fromkeys(visit.station for visit in sample.history))
    place = sample.place or NOTHING
    return SampleRow(number, sample.id, sample.state, place, _stands(sample), stops, stations, marks)


def _stands(sample: Sample) -> str:
    if not sample.history:
        return "not begun"
    if sample.is_at_work:
        return "being worked on"
    return "left there" if sample.state in ("done", "failed") else "waits to go on"


def _stop(visit: Visit) -> Stop:
    lasted = "under way" if visit.ended_s is None else f"for {duration(visit.ended_s - visit.began_s)}"
    return Stop(str(visit), f"after {duration(visit.began_s)}", lasted, visit.reason)
