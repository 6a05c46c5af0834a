"""The campaign loop, split in four: loop, control (state), policy (about failures), recorder (persistence).

Beside them the questions that steps ask people.
"""

from motet.orchestration.control import Control
from motet.orchestration.loop import CampaignLoop
from motet.orchestration.questions import Questions
from motet.orchestration.recorder import Recorder
from motet.orchestration.summary import Summary

__all__ = ["CampaignLoop", "Control", "Questions", "Recorder", "Summary"]
