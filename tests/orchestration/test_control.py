"""Who holds a campaign, and what it says about it."""

from motet.model.events import CampaignState
from motet.orchestration.control import Control


def test_another_reason_of_what_holds_a_campaign_is_told_and_the_same_one_is_not() -> None:
    control = Control()
    told: list[tuple[CampaignState, str]] = []
    control.listen(lambda state: told.append((state, control.reason)))
    for why in ("the disk does not take it", "the disk does not take it", "it is read-only"):
        control.pause(why, "store")
    control.pause("a person looks")
    control.pause("the person looks again")
    control.resume("it can be written again", "store")
    control.resume()
    assert told == [
        (CampaignState.PAUSED, "the disk does not take it"),
        (CampaignState.PAUSED, "it is read-only"),
        (CampaignState.PAUSED, "a person looks"),
        (CampaignState.RUNNING, "asked to resume"),
    ]
