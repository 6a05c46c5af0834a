"""Mistakes in a lab file are found before anything moves."""

import json
from pathlib import Path
from typing import Any

from motet.errors import FileProblems
from motet.files.lab import load_lab
from motet.plugins import installed
from motet_conformance.applies import where, with_units
from motet_conformance.base import Part
from motet_conformance.rig import device_of, driver_of, options_of


class FilesPart(Part):
    """What `motet check` says of a procedure that uses the instrument wrongly."""

    def _problems(self, folder: Path, step: str, arguments: dict[str, Any]) -> str:
        device: dict[str, Any] = {
            "driver": self.case.driver,
            "options": dict(self.case.options),
            "simulator": dict(self.case.simulator),
            "limits": {key: list(bounds) for key, bounds in self.case.limits.items()},
        }
        transport = driver_of(self.case).transport
        device |= {"serial": {"line": "/dev/ttyUSB0"}, "mqtt": {"topic": self.case.topic}}.get(transport, {})
        lab: dict[str, Any] = {
            "lab": "lab",
            "hardware": "simulated",
            "stations": {"cell": {"devices": {"instrument": device}}},
            "procedures": {"all": {"steps": [{f"instrument.{step}": arguments}]}},
        }
        path = folder / "lab.yaml"
        path.write_text(json.dumps(lab, default=str))
        try:
            load_lab(path, installed())
        except FileProblems as error:
            return str(error)
        return ""

    def test_a_verb_that_it_does_not_have_is_named_with_those_that_it_has(self, tmp_path: Path) -> None:
        problems = self._problems(tmp_path, "no_such_verb", {})
        assert "no_such_verb" in problems
        assert "lab.yaml" in problems
        if device_of(self.case).signals_for(options_of(self.case)):
            assert self._problems(tmp_path, "read", {}) == ""

    @where(with_units)
    def test_an_argument_in_a_unit_of_another_kind_is_refused(self, tmp_path: Path) -> None:
        for name, spec in device_of(self.case).verbs_for(options_of(self.case)).items():
            for key, argument in spec.arguments.items():
                if argument.type is float and argument.unit:
                    foreign = "lx" if argument.unit != "lx" else "s"
                    problems = self._problems(tmp_path, name, {key: f"1 {foreign}"})
                    assert foreign in problems
                    assert argument.unit in problems
