"""What chooses the points of a campaign, as its file says."""

from collections.abc import Sequence

from motet.api.setting import Setting
from motet.contracts.learning import StopRule
from motet.files.campaign import CampaignFile
from motet.files.units import convert
from motet.learning import FreshSuggester, Learner, Suggester, build_learner, build_stop_rules
from motet.orchestration.resume import Before
from motet.plugins import Registry


def suggester_of(
    file: CampaignFile, registry: Registry, setting: Setting, stop: Sequence[StopRule], before: Before | None
) -> Suggester | FreshSuggester:
    """The learner in its thread; it goes on with what an earlier process left. `stop` are the campaign's stop rules,
    which may look at its model. Lives on the running event loop. Raises PluginProblem."""
    config, stations = file.campaign.learner, len(file.stages[0].stations)

    longest_s = None if setting.virtual or config.longest is None else convert(config.longest, "s")
    falls_back = config.on_error == "fall_back" and longest_s is not None

    def made(rules: Sequence[StopRule]) -> Learner:
        campaign = file.campaign
        return build_learner(
            config,
            registry,
            file.space,
            campaign.objectives,
            seed=campaign.seed,
            stations=stations,
            constraints=campaign.outcome_constraints,
            rules=rules,
            keeps=falls_back,
        )

    def another() -> Learner:
        """One that shares nothing with one that hangs, not even a stop rule that it may be looking at."""
        return made(build_stop_rules(file.campaign.stop, registry))

    learner = made(stop)
    if before is not None:
        learner.replay(before.learner)
    in_its_place = another if falls_back else None
    if config.suggest == "fresh":
        return FreshSuggester(learner, lasts=setting.lasts, longest_s=longest_s, another=in_its_place)
    return Suggester(learner, ahead=stations, lasts=setting.lasts, longest_s=longest_s, another=in_its_place)
