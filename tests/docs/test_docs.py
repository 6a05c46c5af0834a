"""The documentation is true: links lead somewhere, generated pages are fresh, examples run."""

import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from motet.contracts.belief import Prediction, View
from motet.contracts.declarations import Kind
from motet.files.campaign import load_campaign
from motet.plugins import installed, load

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def _blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_generated_reference_is_fresh() -> None:
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}; run `make docs`"


def test_the_plugin_of_the_how_to_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    (tmp_path / "my_acquisitions.py").write_text(_blocks("docs/how-to/write-a-plugin.md", "python")[0])
    monkeypatch.syspath_prepend(tmp_path)
    registry = load([metadata.EntryPoint("my_acquisitions", "my_acquisitions", "motet")])
    assert registry.problems == []
    optimist = registry.make(Kind.ACQUISITION, "optimist", {"kappa": 1.0})
    prediction = Prediction(np.array([0.0, 1.0]), np.array([0.5, 2.0]))
    nothing = np.zeros((0, 1))
    view = View(
        pool=np.zeros((2, 1)),
        rows=np.arange(2),
        models=[lambda x: prediction],
        wholes=[prediction],
        data=[],
        best=0.75,
        pending=nothing,
        rng=np.random.default_rng(0),
        outcomes=nothing,
        outcomes_at=nothing,
        fit=lambda values: lambda x: prediction,
    )
    assert list(optimist.score(view)) == [0.75, 3.0]


def test_the_campaign_of_the_readme_is_valid(tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples" / "twin_sdc" / "lab.yaml", tmp_path)
    (block,) = _blocks("README.md", "yaml")
    (tmp_path / "campaign.yaml").write_text(block)
    found = load_campaign(tmp_path / "campaign.yaml", installed())
    assert found.stations == ("sdc1", "sdc2")
    assert found.space.size == 441
