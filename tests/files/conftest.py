"""Plugins to name in files: soft devices, learners and an analysis, registered as any plugin is."""

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from motet.contracts.declarations import Declaration, Driver, Simulator
from motet.devices import Device, Output, verb
from motet.errors import FileProblems
from motet.files.campaign import load_campaign
from motet.files.schema import schema
from motet.files.source import read
from motet.hookspecs import hookimpl
from motet.plugins import Registry, load


class Stage(Device):
    """Moves along x and y, turns a table."""

    signals: ClassVar[Mapping[str, Output]] = {"x": Output("mm"), "y": Output("mm")}

    @verb(units={"x": "mm", "y": "mm"}, limits={"x": (-100.0, 100.0), "y": (-100.0, 100.0)})
    async def move(self, x: float | None = None, y: float | None = None) -> None:
        """Go to a place."""

    @verb(units={"x": "mm"}, limits={"x": (-5.0, 5.0)}, relative=("x",))
    async def move_by(self, x: float) -> None:
        """Go a little further."""

    @verb()
    async def turn(self, turns: int, direction: str = "left", fast: bool = False) -> None:
        """Turn the table."""


class Balance(Device):
    """Weighs."""

    @verb(units={"time": "s"}, outputs={"mass": Output("g"), "trace": Output("g", "array")})
    async def weigh(self, time: float) -> Mapping[str, Any]:
        """Weigh for a time."""
        return {"mass": 0.0, "trace": [0.0] * int(time)}

    @verb(outputs={"mass": Output("kg"), "stable": Output("", "boolean"), "state": Output("", "string")})
    async def check(self) -> Mapping[str, Any]:
        """See whether it is stable."""
        return {"mass": 0.0, "stable": True, "state": "idle"}


class Options(BaseModel):
    """Options of the test's plugins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    speed: float = Field(default=1.0, gt=0, strict=True)
    """How fast it goes, mm/s."""
    mode: str = "slow"

    @model_validator(mode="after")
    def _slow_is_slow(self) -> "Options":
        if self.mode == "slow" and self.speed > 10:
            raise ValueError(f"speed {self.speed:g} is not slow")
        return self


class Anything(BaseModel):
    """Any options."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Count(BaseModel):
    """One number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n: int = Field(ge=1, strict=True)
    """How many."""


class Start:
    """So many points."""

    def __init__(self, options: Count) -> None:
        self._n = options.n

    def count(self, stations: int) -> int:
        """As many as the option says."""
        return self._n

    def reason(self, history: object) -> None:
        """As a stop rule: never."""


class ReadOptions(BaseModel):
    """What the analysis reads and yields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reads: str = "weigh.mass"
    gives: str = "mass"


class Reading:
    """One output as it is."""

    def __init__(self, options: ReadOptions) -> None:
        if "." not in options.reads:
            raise ValueError(f"reads must be step.output, not {options.reads!r}")
        self._options = options

    def outputs(self) -> tuple[str, ...]:
        """One name."""
        return (self._options.gives,)

    def needs(self) -> tuple[str, ...]:
        """One output."""
        return (self._options.reads,)


class Part:
    """A part of a learner that goes together with every other."""

    def __init__(self, options: BaseModel) -> None:
        pass


def _unused(options: BaseModel, *args: object) -> object:
    """Never made while files are checked."""
    raise AssertionError("a file's check made a plugin that it need not make")


class Plugins:
    """A plugin object with one of each."""

    @hookimpl
    def motet_drivers(self) -> Iterable[Driver]:
        """Devices with each transport, one without a simulator, and one that is no device."""
        return [
            Driver("stage", Stage, Options),
            Driver("balance", Balance, transport="mqtt"),
            Driver("soft", Stage, transport="none"),
            Driver("odd", _unused, transport="none"),
            Driver("rare", Stage),
        ]

    @hookimpl
    def motet_simulators(self) -> Iterable[Simulator]:
        """For the devices with a line."""
        return [Simulator("stage", _unused, Options), Simulator("balance", _unused, transport="mqtt")]

    @hookimpl
    def motet_worlds(self) -> Iterable[Declaration]:
        """One world."""
        return [Declaration("plate", _unused, Options)]

    @hookimpl
    def motet_procedures(self) -> Iterable[Declaration]:
        """One plan."""
        return [Declaration("scan", _unused, Count)]

    @hookimpl
    def motet_starts(self) -> Iterable[Declaration]:
        """One start design with a mandatory option and the usual default."""
        return [Declaration("sobol", Start, Count), Declaration("random", _random)]

    @hookimpl
    def motet_surrogates(self) -> Iterable[Declaration]:
        """Two surrogates."""
        names = ("gp", "gaussian_process")
        ours = [Declaration(name, Part) for name in names]
        return [Declaration("random_forest", Part, Options), *ours, Declaration("committee", Part, Anything)]

    @hookimpl
    def motet_acquisitions(self) -> Iterable[Declaration]:
        """The usual default."""
        return [Declaration("weighted", Part), Declaration("log_ei", Part), Declaration("ucb", Part, Anything)]

    @hookimpl
    def motet_pendings(self) -> Iterable[Declaration]:
        """The usual default."""
        return [Declaration("exclude", Part), Declaration("believer", Part)]

    @hookimpl
    def motet_stop_rules(self) -> Iterable[Declaration]:
        """One rule."""
        return [Declaration("experiments", Start, Count), Declaration("never", _random)]

    @hookimpl
    def motet_analyses(self) -> Iterable[Declaration]:
        """One analysis."""
        return [Declaration("reading", Reading, ReadOptions)]


def _random(options: BaseModel) -> Start:
    """Two points."""
    return Start(Count(n=2))


LAB = """\
lab: bench
stations:
  a: &station
    devices:
      stage: {driver: soft}
      balance: {driver: balance, topic: bench/balance}
procedures:
  weigh_at:
    parameters: {x: mm}
    steps:
      - stage.move: {x: $x}
      - balance.weigh: {time: 2 s}
"""
CAMPAIGN = """\
campaign: test
lab: lab.yaml
parameters:
  x: {type: stepped, low: 0, high: 50, step: 5}
objectives:
  mass: {goal: minimize, unit: g}
procedure: weigh_at
analysis: reading
"""


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The test's plugins, and none that happen to be installed."""
    found = load([])
    found.manager.register(Plugins(), name="test-plugins")
    return found


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files by name into a folder, beside a valid lab and campaign, and gives the campaign's path."""

    def write(**texts: str) -> Path:
        files = {"lab": LAB, "campaign": CAMPAIGN, **texts}
        for name, text in files.items():
            suffix = "" if "." in name else ".yaml"
            (tmp_path / f"{name}{suffix}").write_text(text, encoding="utf-8")
        return tmp_path / "campaign.yaml"

    return write


Problems = Callable[[Path], list[str]]


@pytest.fixture
def problems(registry: Registry) -> Problems:
    """Gives what is wrong with a campaign and whatever it names, each as `FILE:LINE: KEY: found ...; ...`."""

    def problems(path: Path) -> list[str]:
        with pytest.raises(FileProblems) as caught:
            load_campaign(path, registry)
        return [line.replace(f"{path.parent}/", "") for line in str(caught.value).splitlines()]

    return problems


@pytest.fixture(scope="session")
def follow_schema() -> Callable[[Path, str], None]:
    """Fails when a file does not follow the schema of its kind. A schema is made and checked once."""

    @functools.cache
    def validator(kind: str) -> jsonschema.Draft202012Validator:
        made = schema(kind)
        jsonschema.Draft202012Validator.check_schema(made)
        return jsonschema.Draft202012Validator(made)

    def check(path: Path, kind: str) -> None:
        validator(kind).validate(read(path).data)

    return check
