"""The campaign file: `load_campaign` validates it with its lab, procedure, candidates and plugins."""

import os
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from motet.files.candidates import Table, read_table
from motet.files.choices import Choice
from motet.files.constraints_check import check_constraints
from motet.files.consumables_check import check_uses
from motet.files.lab import CheckedLab, Hardware, check_lab
from motet.files.learner_check import check_goal, check_learner
from motet.files.node import Node
from motet.files.procedure_choice import Chosen, choose_procedure
from motet.files.report import Report, hint
from motet.files.source import parse
from motet.files.stations_check import choose_stations, results_of
from motet.files.units import problem
from motet.files.validate import Checked, validate
from motet.model.campaign import Campaign
from motet.model.consumption import Supply
from motet.model.lab import Lab
from motet.model.procedure import Procedure
from motet.model.space import Categorical, Parameter, Space
from motet.plugins import Registry

_STAND_INS: dict[str, Any] = {
    "campaign": "campaign",
    "lab": "none",
    "objectives": {"none": {"goal": "maximize"}},
    "procedure": "none",
    "analysis": "none",
    "candidates": "none",
}


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """A valid campaign with everything it names.

    `files` holds the exact text of every file that was read, by its path relative to the campaign file.
    `procedure` is None when the campaign names a procedure plugin, which is `procedure_plugin` then. `supplies` are
    the lab's consumables with what one attempt at an experiment uses up of each, nothing for a plugin.
    """

    path: Path
    campaign: Campaign
    lab: Lab
    space: Space
    procedure: Procedure | None
    procedure_plugin: Choice | None
    stations: tuple[str, ...]
    supplies: Mapping[str, Supply]
    files: Mapping[str, str]

    def replace(self, **changes: Any) -> "CampaignFile":
        """The same with some fields changed."""
        return replace(self, **changes)


def load_campaign(path: Path, registry: Registry, hardware: Hardware = None) -> CampaignFile:
    """A valid campaign with its lab, procedure and candidates, on the hardware that the lab or the caller says.

    Raises FileProblems with every mistake in all of them.
    """
    report = Report()
    found = _Loader(path, registry, report, hardware).load()
    if found is None or report.problems:
        report.fail()
    return found


@dataclass
class _Loader:
    path: Path
    registry: Registry
    report: Report
    hardware: Hardware = None

    def load(self) -> CampaignFile | None:
        """The campaign, None when it is beyond use. Mistakes go to the report."""
        source = parse(self.path, self.report)
        checked = None if source is None else validate(Campaign, source.root, self.report, _STAND_INS)
        if source is None or checked is None:
            return None
        campaign = checked.model
        files = {self.path.name: source.text}
        lab = self._lab(checked, files)
        space = self._space(checked, files)
        chosen = choose_procedure(checked, lab, self.path, self.registry, self.report)
        files |= {self._relative(file): text for file, text in chosen.files.items()}
        space = _in_units_of(chosen, space)
        benches = choose_stations(checked, lab, chosen, self.report)
        results = results_of(checked, chosen, benches, space, self.report)
        check_goal(checked, results, self.registry, self.report)
        check_learner(checked, space, len(benches), self.registry, self.report)
        supplies = _supplies(chosen, lab, self.report)
        if lab is None:
            return None
        return CampaignFile(
            self.path,
            campaign,
            lab.file.lab,
            space,
            chosen.procedure,
            chosen.plugin,
            tuple(bench.station for bench in benches),
            supplies,
            files,
        )

    def _lab(self, checked: Checked[Campaign], files: dict[str, str]) -> CheckedLab | None:
        if "lab" in checked.stand_ins:
            return None
        path = self._beside(checked.model.lab, checked.node.at("lab"))
        if path is None:
            return None
        lab = check_lab(path, self.registry, self.report, self.hardware)
        if lab is not None:
            files[self._relative(path)] = lab.file.text
            files.update({self._relative(beside): text for beside, text in lab.file.beside.items()})
        return lab

    def _space(self, checked: Checked[Campaign], files: dict[str, str]) -> Space:
        campaign = checked.model
        for written in checked.whole.at("parameters").entries.values():
            unit = written.child("unit")
            if unit is not None and isinstance(unit.content, str):
                reason = problem(unit.content)
                if reason is not None:
                    self.report.add(unit, f"the unit {unit.content!r}", reason)
        wrong = checked.whole.at("parameters").entries.keys() - campaign.parameters.keys()
        table = self._table(checked, wrong, files)
        parameters = campaign.parameters if table is None else table.parameters
        constraints = check_constraints(checked, parameters, wrong, table, self.report)
        return Space(parameters, None if table is None else table.rows, constraints)

    def _table(self, checked: Checked[Campaign], wrong: Set[str], files: dict[str, str]) -> Table | None:
        name = checked.model.candidates
        if name is None or "candidates" in checked.stand_ins:
            return None
        path = self._beside(name, checked.node.at("candidates"))
        table = None if path is None else read_table(path, checked.model.parameters, self.report, wrong)
        if table is not None:
            files[self._relative(table.path)] = table.text
        return table

    def _beside(self, name: str, where: Node) -> Path | None:
        """A file named relative to the campaign file.

        None, with the reason in the report, when there is none.
        """
        path = self.path.parent / name
        if path.is_file():
            return path
        there = sorted(p.name for p in path.parent.iterdir() if p.is_file()) if path.parent.is_dir() else []
        near = hint(path.name, there)
        found = f"no such file {name!r}"
        self.report.add(where, found, f"{near}a path relative to the folder of this file is needed")
        return None

    def _relative(self, path: Path) -> str:
        return Path(os.path.relpath(path, self.path.parent)).as_posix()


def _supplies(chosen: Chosen, lab: CheckedLab | None, report: Report) -> Mapping[str, Supply]:
    """The lab's consumables with what the procedure uses up of them."""
    supplies = None if lab is None else lab.supplies
    if chosen.procedure is not None and chosen.node is not None:
        return check_uses(chosen.procedure, chosen.node, supplies, report)
    return {name: supply for name, supply in (supplies or {}).items() if supply is not None}


def _in_units_of(chosen: Chosen, space: Space) -> Space:
    """The space with the procedure's units for parameters that state none."""
    units = {} if chosen.procedure is None else chosen.procedure.parameters
    parameters: dict[str, Parameter] = {}
    for name, parameter in space.parameters.items():
        unit = units.get(name)
        if unit and not isinstance(parameter, Categorical) and parameter.unit is None:
            parameters[name] = parameter.model_copy(update={"unit": unit})
        else:
            parameters[name] = parameter
    return replace(space, parameters=parameters)
