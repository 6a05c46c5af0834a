"""A study of hundreds of campaigns on a Dask cluster: everything is stored, and memory does not grow with it."""

import json
import subprocess
from typing import Any

import psutil
import pytest

from motet_conformance.effort import effort

SEEDS = effort(100, 30)
STUDY = ("--vary", "stations=1,2,4", "--seeds", str(SEEDS))
CAMPAIGNS = 3 * SEEDS
GROWTH_MB = 50.0
"""How much more memory a process may need at its most after a tenth of the campaigns than it needed then."""


def _used_mb(processes: list[psutil.Process]) -> list[float]:
    return [process.memory_info().rss / 1e6 for process in processes]


def _peaks(study: Any, processes: list[psutil.Process]) -> list[float]:
    """The most memory that each process is seen to use until all campaigns are done, MB."""
    peaks = _used_mb(processes)
    while f"{CAMPAIGNS} of {CAMPAIGNS} campaigns" not in study.printed:
        try:
            study.process.wait(0.2)
        except subprocess.TimeoutExpired:
            peaks = [max(pair) for pair in zip(peaks, _used_mb(processes), strict=True)]
        else:
            raise AssertionError(f"it has ended: {study.printed}")
    return peaks


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.long
def test_hundreds_of_campaigns_are_stored_in_bounded_memory(cheap: Any, cluster: Any) -> None:
    cheap.change("campaign.yaml", "n: 40", "n: 100")
    cheap.change("campaign.yaml", "experiments: 40", "experiments: 100")
    dask = cluster()
    workers = [dask.worker("--no-nanny") for _ in range(2)]
    study = cheap.start(*STUDY, "--dask", dask.address)
    study.until(f"^{CAMPAIGNS // 10} of {CAMPAIGNS}", 200)
    processes = [process.family[0] for process in (study, *workers, dask.scheduler)]
    before = _used_mb(processes)
    peaks = _peaks(study, processes)
    done = study.finish(300)
    assert done.returncode == 0, done.stderr
    assert all(peak - first < GROWTH_MB for first, peak in zip(before, peaks, strict=True)), (before, peaks)
    rows = cheap.rows()
    assert len(rows) == CAMPAIGNS
    assert {(len(row[2]) / 8, len(row[3]) / 8, row[4]) for row in rows} == {(100, 100, "")}
    assert json.loads(rows[0][0]) == {"stations": "1"}
