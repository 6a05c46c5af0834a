"""Every mistake of a set of files is reported at once.

Each folder of `mistakes/` holds a lab, or a campaign with its lab. A comment `#! key: found ...; allowed` is
about the next line that is no such comment: these comments together are all that is reported.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from motet.errors import FileProblems, Problem
from motet.files.campaign import load_campaign
from motet.files.lab import load_lab
from motet.plugins import Registry

FOLDERS = sorted(path for path in (Path(__file__).parent / "mistakes").iterdir() if path.is_dir())


def expected(file: Path) -> Iterator[str]:
    waiting: list[str] = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if line.lstrip().startswith("#!"):
            waiting.append(line.lstrip().removeprefix("#!").strip())
        else:
            yield from (f"{file}:{number}: {message}" for message in waiting)
            waiting = []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_all_mistakes_are_reported_at_once_each_with_its_line(folder: Path, registry: Registry) -> None:
    campaign = folder / "campaign.yaml"
    load, file = (load_campaign, campaign) if campaign.exists() else (load_lab, folder / "lab.yaml")
    with pytest.raises(FileProblems) as caught:
        load(file, registry)

    wanted = sorted(line for file in folder.glob("*.yaml") for line in expected(file))
    assert sorted(str(caught.value).splitlines()) == wanted


def test_problems_come_by_file_and_line(registry: Registry) -> None:
    with pytest.raises(FileProblems) as caught:
        load_lab(FOLDERS[0].parent / "devices" / "lab.yaml", registry)
    lines = [problem.line for problem in caught.value.problems]
    assert lines == sorted(line for line in lines if line is not None)
    assert isinstance(caught.value.problems[0], Problem)
