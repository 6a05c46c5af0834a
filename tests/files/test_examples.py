"""The examples that newcomers read are valid with the plugins that come with Motet."""

from collections.abc import Callable
from pathlib import Path

import pytest

from motet.files.campaign import load_campaign
from motet.plugins import installed

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDER = EXAMPLES / "twin_sdc"


def test_the_twin_cell_campaign_is_valid() -> None:
    file = load_campaign(FOLDER / "campaign.yaml", installed())
    assert file.stations == ("sdc1", "sdc2")
    assert file.space.size == 441
    assert file.campaign.budget.experiments == 132
    assert sorted(file.files) == ["campaign.yaml", "lab.yaml"]


def test_the_offline_campaign_is_valid() -> None:
    file = load_campaign(EXAMPLES / "offline" / "campaign.yaml", installed())
    assert file.stations == tuple(f"s{number}" for number in range(1, 17))
    assert file.space.size == 61 * 61
    assert sorted(file.files) == ["campaign.yaml", "lab.yaml"]


def test_the_campaign_with_two_objectives_is_valid() -> None:
    file = load_campaign(EXAMPLES / "pareto" / "campaign.yaml", installed())
    assert file.stations == ("s1", "s2", "s3", "s4")
    assert list(file.campaign.objectives) == ["branin", "schwefel"]
    assert list(file.campaign.outcome_constraints) == ["schwefel"]


def test_the_campaign_with_stages_is_valid() -> None:
    file = load_campaign(EXAMPLES / "pipeline" / "campaign.yaml", installed())
    assert [(stage.name, stage.stations) for stage in file.stages] == [
        ("synthesis", ("bench1", "bench2")),
        ("spectrometer", ("spectrometer",)),
    ]
    assert list(file.lab.shared) == ["robot"]


@pytest.mark.parametrize("kind", ["lab", "campaign"])
@pytest.mark.parametrize("folder", ["twin_sdc", "offline", "pareto", "pipeline"])
def test_the_schemas_accept_them(folder: str, kind: str, follow_schema: Callable[[Path, str], None]) -> None:
    follow_schema(EXAMPLES / folder / f"{kind}.yaml", kind)
