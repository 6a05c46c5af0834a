"""The page about stages shows what stands in the example, which runs."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "pass-through-several-stations.md"


def test_every_piece_of_yaml_on_the_page_stands_in_the_example() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    example = "".join((ROOT / "examples" / "pipeline" / name).read_text() for name in ("lab.yaml", "campaign.yaml"))
    assert len(blocks) == 5
    for block in blocks:
        assert block in example
