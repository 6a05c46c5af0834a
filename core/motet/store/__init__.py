"""The memory of campaigns: one SQLite file, one writer, any number of readers."""

from motet.store.reader import Reader
from motet.store.records import CampaignRecord, Change, Stamp
from motet.store.rows import (
    Attempt,
    Best,
    CampaignChange,
    CampaignDetail,
    CampaignSummary,
    ExperimentRow,
    QuestionRow,
    StationChange,
    Transition,
)
from motet.store.store import Store

__all__ = [
    "Attempt",
    "Best",
    "CampaignChange",
    "CampaignDetail",
    "CampaignRecord",
    "CampaignSummary",
    "Change",
    "ExperimentRow",
    "QuestionRow",
    "Reader",
    "Stamp",
    "StationChange",
    "Store",
    "Transition",
]
