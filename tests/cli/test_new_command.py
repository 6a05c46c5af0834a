"""`motet new driver`: the package that it writes passes its tests as written."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from motet.api.new_driver import NewDriver, Transport, write_driver
from motet.errors import PluginProblem

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "tests"
BIN = Path(sys.executable).parent


def run(command: list[str], folder: Path, timeout: float = 90, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end."""
    everything = os.environ | {"COLUMNS": "200"} | env
    return subprocess.run(
        command, cwd=folder, env=everything, capture_output=True, text=True, timeout=timeout, check=False
    )


def register(folder: Path, site: Path) -> str:
    """What `pip install` leaves behind, by hand. The PYTHONPATH with which the package is found."""
    (source,) = (folder / "src").iterdir()
    info = site / f"{source.name}-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {source.name}\nVersion: 0.1.0\n")
    project = (folder / "pyproject.toml").read_text()
    entry = project.split("[project.entry-points.motet]\n")[1].split("\n")[0].replace('"', "")
    (info / "entry_points.txt").write_text(f"[motet]\n{entry}\n")
    return os.pathsep.join((str(site), str(source.parent), str(SUITE)))


def pytest_passes(folder: Path, path: str) -> None:
    """With no plugin of pytest: an engineer need not have any."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = run(command, folder, PYTHONPATH=path, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.slow
def test_a_package_for_a_serial_instrument_passes_its_tests_as_written(tmp_path: Path) -> None:
    folder = write_driver("my_bath", tmp_path / "package")
    pytest_passes(folder, register(folder, tmp_path / "site"))


@pytest.mark.slow
def test_a_package_for_an_mqtt_instrument_passes_its_tests_as_written(tmp_path: Path) -> None:
    folder = write_driver("my_node", tmp_path / "package", "mqtt")
    pytest_passes(folder, register(folder, tmp_path / "site"))


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["serial", "mqtt"])
def test_what_is_written_is_formatted_and_fully_typed(transport: Transport, tmp_path: Path) -> None:
    folder = write_driver("my_bath", tmp_path / "package", transport)
    for command in (["format", "--check", "--diff"], ["check"]):
        done = run([str(BIN / "ruff"), *command, "--no-cache", "."], folder)
        assert done.returncode == 0, done.stdout + done.stderr
    (folder / "pyrightconfig.json").write_text(
        f'{{"typeCheckingMode": "strict", "venvPath": "{ROOT}", "venv": ".venv", "extraPaths": ["src", "{SUITE}"],'
        '"reportMissingTypeStubs": false, "reportUnknownMemberType": false}'
    )
    done = run([str(BIN / "pyright")], folder)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_pip_installs_it(tmp_path: Path) -> None:
    folder = write_driver("my_bath", tmp_path / "package")
    target = tmp_path / "target"
    isolated = [] if find_spec("hatchling") is None else ["--no-build-isolation"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = run([*pip, *isolated, "--target", str(target), str(folder)], tmp_path, 120)
    if done.returncode and "hatchling" in done.stderr:
        pytest.skip("hatchling is not installed and cannot be fetched: pip install hatchling")
    assert done.returncode == 0, done.stderr
    listed = run([sys.executable, "-m", "motet", "plugins", "--kind", "driver"], tmp_path, PYTHONPATH=str(target))
    assert "my_bath" in listed.stdout, listed.stdout + listed.stderr


def test_the_command_writes_it_and_says_what_is_next(tmp_path: Path) -> None:
    done = run([sys.executable, "-m", "motet", "new", "driver", "my_bath"], tmp_path)
    assert done.returncode == 0, done.stderr
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {f"motet-my-bath/{path}" for path in NewDriver("my_bath", "serial").files()}
    for step in ("pip install -e 'motet-my-bath[dev]'", "pytest motet-my-bath", "motet plugins"):
        assert step in done.stdout


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("MyBath", "small letters"),
        ("2bath", "small letters"),
        ("my-bath", "small letters"),
        ("my__bath", "small letters"),
        ("../bath", "small letters"),
        ("", "small letters"),
        ("b" * 41, "at most 40"),
        ("class", "something else already"),
        ("drivers", "something else already"),
        ("gsv3", "a driver named 'gsv3' is there already: motet"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(PluginProblem, match=reason):
        write_driver(name, tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_nothing_is_written_into_a_folder_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(PluginProblem, match=f"{tmp_path} exists already; nothing was written"):
        write_driver("my_bath", tmp_path)
    assert list(tmp_path.iterdir()) == []
