"""The memory of campaigns: one SQLite file, one writer, any number of readers."""

from motet.store.reader import Reader
from motet.store.records import CampaignRecord, Change, Stamp
from motet.store.rows import (
    Attempt,
    Best,
    CampaignChange,
    CampaignDetail,
    CampaignSummary,
    EventRow,
    ExperimentRow,
    Level,
    QuestionRow,
    QueueRow,
    StationChange,
    Transition,
)
from motet.store.store import Store
from motet.store.trouble import StoreTrouble

__all__ = [
    "Attempt",
    "Best",
    "CampaignChange",
    "CampaignDetail",
    "CampaignRecord",
    "CampaignSummary",
    "Change",
    "EventRow",
    "ExperimentRow",
    "Level",
    "QuestionRow",
    "QueueRow",
    "Reader",
    "Stamp",
    "StationChange",
    "Store",
    "StoreTrouble",
    "Transition",
]
