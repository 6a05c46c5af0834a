"""Variations of a campaign file for simulations: another learner, other stations, another seed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import ValidationError

from motet.contracts.declarations import Kind
from motet.errors import FileProblems, PluginProblem, Problem
from motet.files.campaign import CampaignFile
from motet.files.inline import plugin
from motet.files.units import convert
from motet.model.campaign import LearnerConfig
from motet.model.lab import Lab, SharedDevice, SimulatedFailure, Station
from motet.model.values import PluginRef
from motet.plugins import Registry


class _Unfit(Exception):
    """A value that a change does not take: what was found, and what is allowed."""

    def __init__(self, found: str, allowed: str) -> None:
        super().__init__(found, allowed)
        self.found = found
        self.allowed = allowed


def varied(
    file: CampaignFile,
    changes: Mapping[str, str],
    registry: Registry,
    option: Callable[[str], str] = "--vary {}".format,
) -> CampaignFile:
    """The campaign with some things changed, each by its name: `{"learner": "rf+lcb", "stations": "2"}`.

    Raises FileProblems naming a change that is not known, or a value that it does not take; `option` is what the person
    who asked for it knows a change as.
    """
    for name, value in changes.items():
        try:
            file = _change(name)(file, value, registry)
        except _Unfit as error:
            raise FileProblems([Problem(option(name), None, "", repr(error.found), error.allowed)]) from error
    return file


def _change(name: str) -> "_Change":
    if name not in _CHANGES:
        near = get_close_matches(name, _CHANGES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise _Unfit(name, f"{hint}what can be varied: {', '.join(_CHANGES)}")
    return _CHANGES[name]


def seeded(file: CampaignFile, seed: int) -> CampaignFile:
    """The campaign with another seed of its learner and of its simulators' noise."""
    simulation = file.lab.simulation.model_copy(update={"seed": seed * 1_000_000})
    lab = file.lab.model_copy(update={"simulation": simulation})
    return file.replace(lab=lab, campaign=file.campaign.model_copy(update={"seed": seed}))


def _learner(file: CampaignFile, value: str, registry: Registry) -> CampaignFile:
    """`rf+lcb`: surrogate and acquisition; a surrogate alone keeps the file's acquisition."""
    surrogate, _, acquisition = value.partition("+")
    file = _part(Kind.SURROGATE)(file, surrogate, registry)
    return _part(Kind.ACQUISITION)(file, acquisition, registry) if acquisition else file


def _part(kind: Kind) -> Callable[[CampaignFile, str, Registry], CampaignFile]:
    def change(file: CampaignFile, value: str, registry: Registry) -> CampaignFile:
        return _with_learner(file, {kind.value: _plugin(kind, value, registry)})

    return change


def _suggest(file: CampaignFile, value: str, registry: Registry) -> CampaignFile:
    allowed = get_args(LearnerConfig.model_fields["suggest"].annotation)
    if value not in allowed:
        raise _Unfit(value, f"allowed: {', '.join(allowed)}")
    return _with_learner(file, {"suggest": value})


def _with_learner(file: CampaignFile, update: Mapping[str, Any]) -> CampaignFile:
    learner = file.campaign.learner.model_copy(update=dict(update))
    return file.replace(campaign=file.campaign.model_copy(update={"learner": learner}))


def _plugin(kind: Kind, text: str, registry: Registry) -> PluginRef:
    """`rf` or `rf(trees=20)` as a plugin with options."""
    try:
        ref = plugin(text)
    except ValueError as error:
        raise _Unfit(text, f"the {kind}'s name, or name(option=value), is needed") from error
    try:
        registry.options(kind, ref.name, ref.options)
    except PluginProblem as error:
        raise _Unfit(ref.name, str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise _Unfit(text, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return ref


def _stations(file: CampaignFile, value: str, registry: Registry) -> CampaignFile:
    """So many stations: the first ones, or copies of them where the lab has fewer.

    The devices of a copy fail as often as those of its original, at times of their own; failures `at` a time are its
    original's alone.
    """
    if not value.isdecimal() or int(value) < 1:
        raise _Unfit(value, "a whole number from 1 is needed")
    stage, *others = file.stages
    if others:
        raise _Unfit(value, "the number of stations can be varied for campaigns without `stages`")
    wanted = int(value)
    names = list(file.stations[:wanted])
    stations: dict[str, Station] = dict(file.lab.stations)
    failures = list(file.lab.simulation.failures)
    shared = dict(file.lab.shared)
    for index in range(len(names), wanted):
        original = file.stations[index % len(file.stations)]
        name = f"{original}_{index + 1}"
        stations[name] = _copy(file.lab, original, name)
        failures += _copied_failures(file.lab, original, name)
        shared |= _also_used_by(shared, original, name)
        names.append(name)
    simulation = file.lab.simulation.model_copy(update={"failures": tuple(failures)})
    lab = file.lab.model_copy(update={"stations": stations, "simulation": simulation, "shared": shared})
    return file.replace(lab=lab, stages=(replace(stage, stations=tuple(names)),))


def _also_used_by(shared: Mapping[str, SharedDevice], original: str, name: str) -> dict[str, SharedDevice]:
    """The shared devices of the original, which its copy uses too."""
    return {
        key: device.model_copy(update={"used_by": (*device.used_by, name)})
        for key, device in shared.items()
        if device.used_by is not None and original in device.used_by
    }


def _copied_failures(lab: Lab, original: str, name: str) -> list[SimulatedFailure]:
    return [
        failure.model_copy(update={"device": f"{name}.{device}"})
        for failure in lab.simulation.failures
        for station, _, device in [failure.device.partition(".")]
        if station == original and failure.mean_between is not None
    ]


def _copy(lab: Lab, original: str, name: str) -> Station:
    """A station like another one, with topics of its own. Its lines are in memory: their names do not matter."""
    station = lab.stations[original]
    devices = {
        key: device if device.topic is None else device.model_copy(update={"topic": f"{device.topic}_{name}"})
        for key, device in station.devices.items()
    }
    return station.model_copy(update={"devices": devices})


def _learner_time(file: CampaignFile, value: str, registry: Registry) -> CampaignFile:
    stated: float | str = value
    if value != "measured":
        try:
            stated = convert(value, "s")
        except ValueError as error:
            raise _Unfit(value, f"0, a time such as `2 s`, or measured: {error}") from error
        if stated < 0:
            raise _Unfit(value, "a time of 0 or more is needed")
    simulation = file.lab.simulation.model_copy(update={"learner_time": stated})
    return file.replace(lab=file.lab.model_copy(update={"simulation": simulation}))


_Change = Callable[[CampaignFile, str, Registry], CampaignFile]
_CHANGES: Mapping[str, _Change] = {
    "learner": _learner,
    "start": _part(Kind.START),
    "surrogate": _part(Kind.SURROGATE),
    "acquisition": _part(Kind.ACQUISITION),
    "pending": _part(Kind.PENDING),
    "suggest": _suggest,
    "stations": _stations,
    "learner_time": _learner_time,
}
