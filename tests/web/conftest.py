"""A lab whose dashboard is served on a free port, in the loop of the test; the page is served by the real command."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from motet.api.watch import Watch
from motet.plugins import installed
from motet.web.access import Access
from motet.web.app import application
from motet.web.serve import listening, serve_until

LAB = """\
lab: bench
hardware: simulated
simulation: {time_scale: 10, lines: memory}
broker: BROKER
x-cell: &cell
  devices:
    function:
      driver: benchmark_function
      line: /dev/null
      limits: { x1: [-5, 10], x2: [0, 15] }
      simulator: {function: branin, prepare: 1, duration: 20, clean: 1}
stations:
  left: *cell
  right: *cell
"""
CAMPAIGN = """\
campaign: look
lab: lab.yaml
parameters:
  x1: { type: continuous, low: -5, high: 10 }
  x2: { type: continuous, low: 0, high: 15 }
procedure:
  parameters: { x1: null, x2: null }
  steps: [function.prepare, {function.measure: { x1: $x1, x2: $x2 }, as: point}, function.clean]
analysis: {value: {outputs: {value: point.value}}}
objectives: {value: {goal: minimize}}
learner: {start: {random: {n: 50}}, surrogate: {random_forest: {trees: 3}}}
budget: {experiments: 50}
"""


@dataclass(frozen=True)
class Served:
    """A dashboard that is served."""

    watch: Watch
    client: httpx.AsyncClient


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a lab without a broker, and a campaign."""
    (tmp_path / "lab.yaml").write_text(LAB.replace("BROKER", "none"))
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
    return tmp_path


@pytest.fixture
def serve(folder: Path) -> Serve:
    """Serves the API of the folder's lab."""

    @asynccontextmanager
    async def served(token: str | None = None) -> AsyncGenerator[Served]:
        ended, there = asyncio.Event(), asyncio.Event()
        access = Access("127.0.0.1", token)
        async with Watch(folder / "lab.yaml", folder / "data", installed()) as watch:
            with listening("127.0.0.1", 0) as listener:
                app = application(watch, access)
                task = asyncio.create_task(serve_until(ended, app, listener, there.set))
                async with asyncio.timeout(10):
                    await there.wait()
                url = f"http://127.0.0.1:{listener.getsockname()[1]}"
                try:
                    async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:
                        yield Served(watch, client)
                finally:
                    ended.set()
                    async with asyncio.timeout(10):
                        await task

    return served
