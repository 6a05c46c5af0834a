"""The tutorial "Add your instrument", followed from an empty folder to a campaign that has run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from motet.api.new_driver import write_driver

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorials" / "add-your-instrument.md").read_text()
BLOCKS = re.findall(r"^```(sh|diff|csv|yaml)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PACKAGE = "motet-warm-bath"


class Reader:
    """Somebody who does what the page says, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        source, site = folder / PACKAGE / "src", folder / "site"
        self._env = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join((str(site), str(source), str(ROOT / "tests"))),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "COLUMNS": "160",
        }

    def run(self, command: str) -> str:
        """Run a command of the page; what it prints."""
        if command.startswith("pip install -e"):
            return self._install()
        done = subprocess.run(
            shlex.split(command),
            cwd=self.folder,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def follow(self, kind: str, text: str) -> dict[str, str]:
        """Do what a block says; what each of its commands prints."""
        match kind:
            case "sh":
                return {command: self.run(command) for command in text.splitlines()}
            case "diff":
                self._change(text)
            case "csv":
                (self.folder / "gel.csv").write_text(text)
            case _:
                (self.folder / text.split()[1]).write_text(text)
        return {}

    def _change(self, diff: str) -> None:
        """As `patch` does: every piece must be there as it says, once."""
        path = self.folder / PACKAGE / diff.splitlines()[1].removeprefix("+++ b/")
        text = path.read_text()
        for piece in re.split(r"^@@.*@@.*\n", diff, flags=re.MULTILINE)[1:]:
            lines = piece.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] in " -")
            after = "".join(line[1:] for line in lines if line[0] in " +")
            assert text.count(before) == 1, f"{path.name} has not once:\n{before}"
            text = text.replace(before, after)
        path.write_text(text)

    def _install(self) -> str:
        """What pip leaves behind, by hand: the environment of the tests stays as it is."""
        info = self.folder / "site" / "motet_warm_bath-0.1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 0.1.0\n")
        (info / "entry_points.txt").write_text("[motet]\nwarm_bath = motet_warm_bath\n")
        return ""


@pytest.mark.slow
def test_the_files_of_the_page_are_right_and_a_mistake_in_them_is_named(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    write_driver("warm_bath", tmp_path / PACKAGE)
    reader.run(f"pip install -e {PACKAGE}")
    for kind, text in BLOCKS:
        if kind != "sh":
            reader.follow(kind, text)
    assert "bench of lab gel (simulated hardware)" in reader.run("motet check campaign.yaml")
    lab = tmp_path / "lab.yaml"
    lab.write_text(lab.read_text().replace("speed: 300 rpm", "speed: 300 mm"))
    with pytest.raises(AssertionError, match=r"lab\.yaml:\d+: .*300 mm.*rpm"):
        reader.run("motet check campaign.yaml")


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.long
def test_from_an_empty_folder_to_a_campaign(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    said: dict[str, str] = {}
    for kind, text in BLOCKS:
        said |= reader.follow(kind, text)
    assert [kind for kind, _ in BLOCKS].count("diff") == 4
    assert "warm_bath" in said["motet plugins --kind driver"]
    assert "passed" in said["pytest motet-warm-bath"]
    assert "at temperature = 60 degC" in said["motet run campaign.yaml"]
    assert "6 experiments, 0 failed" in said["motet show gel"]
    assert (tmp_path / "motet-data" / "gel-1" / "report.html").exists()
