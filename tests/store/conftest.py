"""A store in a temporary folder, and campaigns to put into it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from motet.store import CampaignRecord, Stamp, Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "motet.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(path)
    yield opened
    await opened.close()


@pytest.fixture
def record() -> CampaignRecord:
    return CampaignRecord(
        name="scan",
        lab="twin",
        files={"campaign.yaml": "campaign: scan\n", "lab.yaml": "lab: twin\n"},
        versions={"motet": "0.1.0", "numpy": "2.4.6"},
        seed=7,
        stations=("sdc1", "sdc2"),
        objectives={"current": {"goal": "maximize", "target": None, "unit": "mA"}},
        parameters={"x": {"type": "stepped", "low": 0.0, "high": 50.0, "step": 2.5, "unit": "mm"}},
        at=Stamp(1_700_000_000.0, 0.0),
    )
