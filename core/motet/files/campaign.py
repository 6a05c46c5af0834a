"""The campaign file: `load_campaign` validates it with its lab, procedure, candidates and plugins."""

import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from motet.files.candidates import Table, read_table
from motet.files.choices import Choice
from motet.files.constraints_check import check_constraints
from motet.files.consumables_check import check_uses
from motet.files.lab import CheckedLab, Hardware, check_lab
from motet.files.learner_check import check_goal, check_learner
from motet.files.limits_check import with_limits
from motet.files.node import Node
from motet.files.procedure_choice import Chosen
from motet.files.report import Report, hint
from motet.files.results_check import results_of
from motet.files.source import parse
from motet.files.stages_check import Stage, choose_stages
from motet.files.units import problem
from motet.files.validate import Checked, validate
from motet.model.campaign import Campaign
from motet.model.consumption import Supply
from motet.model.lab import Lab
from motet.model.procedure import Procedure
from motet.model.space import Categorical, Parameter, Space
from motet.model.values import PluginRef
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
class StageFile:
    """A stage of a campaign: what is done there, and the stations that can do it, any of them.

    `name` is empty for the only stage of a campaign without `stages`. `supplies` are the lab's consumables with what
    one run of the procedure uses up of each, nothing for a plugin.
    """

    name: str
    procedure: Procedure | PluginRef
    stations: tuple[str, ...]
    supplies: Mapping[str, Supply]


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """A valid campaign with everything it names.

    `files` holds the exact text of every file that was read, by its path relative to the campaign file. `stages` are in
    the order in which each experiment goes through them, one at least.
    """

    path: Path
    campaign: Campaign
    lab: Lab
    space: Space
    stages: tuple[StageFile, ...]
    files: Mapping[str, str]

    @property
    def stations(self) -> tuple[str, ...]:
        """Every station that the campaign uses, each once."""
        return tuple(dict.fromkeys(name for stage in self.stages for name in stage.stations))

    @property
    def supplies(self) -> Mapping[str, Supply]:
        """The lab's consumables with what one experiment uses up of each, all of its stages together."""
        found: dict[str, Supply] = {}
        for stage in self.stages:
            for name, supply in stage.supplies.items():
                before = found[name].each if name in found else 0.0
                found[name] = replace(supply, each=before + supply.each)
        return found

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
        stages = choose_stages(checked, lab, self.path, self.registry, self.report)
        stages = with_limits(checked, stages, self.report)
        for stage in stages:
            files |= {self._relative(file): text for file, text in stage.chosen.files.items()}
        space = _in_units_of(stages, space)
        results = results_of(checked, stages, space, self.report)
        check_goal(checked, results, self.registry, self.report)
        stations = {bench.station for stage in stages for bench in stage.benches}
        check_learner(checked, space, len(stations), self.registry, self.report)
        found = [self._stage(stage, lab) for stage in stages]
        if lab is None:
            return None
        valid = tuple(stage for stage in found if stage is not None)
        return CampaignFile(self.path, campaign, lab.file.lab, space, valid, files)

    def _stage(self, stage: Stage, lab: CheckedLab | None) -> StageFile | None:
        """A stage as a plain value, None when it has mistakes of its own."""
        supplies = _supplies(stage.chosen, lab, self.report)
        procedure = stage.chosen.procedure or _plugin(stage.chosen.plugin)
        if procedure is None:
            return None
        return StageFile(stage.name, procedure, tuple(bench.station for bench in stage.benches), supplies)

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


def _plugin(choice: Choice | None) -> PluginRef | None:
    """A procedure plugin as a plain value, its options complete."""
    if choice is None:
        return None
    return PluginRef(name=choice.declaration.name, options=choice.options.model_dump(mode="json"))


def _supplies(chosen: Chosen, lab: CheckedLab | None, report: Report) -> Mapping[str, Supply]:
    """The lab's consumables with what the procedure uses up of them."""
    supplies = None if lab is None else lab.supplies
    if chosen.procedure is not None and chosen.node is not None:
        return check_uses(chosen.procedure, chosen.node, supplies, report)
    return {name: supply for name, supply in (supplies or {}).items() if supply is not None}


def _in_units_of(stages: Sequence[Stage], space: Space) -> Space:
    """The space with the procedures' units for parameters that state none."""
    units: dict[str, str | None] = {}
    for stage in stages:
        stated = {} if stage.chosen.procedure is None else stage.chosen.procedure.parameters
        units = {**stated, **{name: unit for name, unit in units.items() if unit}}
    parameters: dict[str, Parameter] = {}
    for name, parameter in space.parameters.items():
        unit = units.get(name)
        if unit and not isinstance(parameter, Categorical) and parameter.unit is None:
            parameters[name] = parameter.model_copy(update={"unit": unit})
        else:
            parameters[name] = parameter
    return replace(space, parameters=parameters)
