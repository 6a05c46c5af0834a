"""A plugin whose module cannot be imported is reported where a file names it, with everything else that is wrong."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from motet.contracts.declarations import Declaration, Later
from motet.errors import FileProblems
from motet.files.lab import load_lab
from motet.hookspecs import hookimpl
from motet.plugins import load

LAB = """\
lab: bench
hardwear: simulated
broker: none
stations:
  a:
    world: {plate: {colour: red}}
    devices:
      stage: {driver: stage, line: /dev/ttyUSB0, options: {file: a.yaml}, simulator: {file: a.yaml}}
"""


def missing() -> Declaration:
    raise ModuleNotFoundError("No module named 'stages'")


class Broken:
    """Everything that it brings is somewhere else."""

    @hookimpl
    def motet_drivers(self) -> Iterable[Later]:
        return [Later("stage", missing)]

    @hookimpl
    def motet_simulators(self) -> Iterable[Later]:
        return [Later("stage", missing)]

    @hookimpl
    def motet_worlds(self) -> Iterable[Later]:
        return [Later("plate", missing)]


def test_what_cannot_be_loaded_is_reported_with_its_line_and_all_other_mistakes(tmp_path: Path) -> None:
    registry = load([])
    registry.manager.register(Broken(), name="broken")
    file = tmp_path / "lab.yaml"
    file.write_text(LAB)
    with pytest.raises(FileProblems) as caught:
        load_lab(file, registry)
    told = [str(problem).partition("lab.yaml:")[2] for problem in caught.value.problems]
    reason = "could not be loaded: ModuleNotFoundError: No module named 'stages'"
    assert told[0].startswith("2: hardwear: found the unknown key")
    assert told[1:] == [
        f"6: stations.a.world.plate: found the world 'plate'; broken: world 'plate' {reason}",
        f"8: stations.a.devices.stage.driver: found the driver 'stage'; broken: driver 'stage' {reason}",
    ]
