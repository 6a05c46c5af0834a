"""The commands of the how-to about the store, as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from motet.store import CampaignRecord, Reader, Stamp, Store

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "keep-the-store-safe.md"


@pytest.mark.slow
async def test_the_commands_of_the_page_keep_a_store_safe(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "motet-data" / "motet.db")
    record = CampaignRecord("scan", "lab", {}, {}, 0, (), {"y": {"goal": "maximize"}}, {}, Stamp(0.0, 0.0))
    await store.new_campaign(record)
    await store.close()
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    script = "".join(blocks).replace("/media/nas", str(tmp_path / "nas"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs on this loop
        ["bash", "-euc", script], cwd=tmp_path, env=os.environ | {"PATH": path}, timeout=120, check=False, text=True
    )
    assert done.returncode == 0
    assert [one.id for one in Reader(tmp_path / "motet-data" / "motet.db").campaigns()] == ["scan-1"]
    assert [entry.name for entry in (tmp_path / "aside").iterdir()] != []
