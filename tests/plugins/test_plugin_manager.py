"""Plugins of real distributions: found by entry points, and each at fault named, the others unharmed."""

import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from textwrap import dedent

import pytest

from motet.contracts.declarations import Kind
from motet.errors import PluginProblem
from motet.plugins import Registry, load

GOOD = """
    from pydantic import BaseModel
    from motet.contracts.declarations import Declaration
    from motet.hookspecs import hookimpl

    class Options(BaseModel):
        n: int = 1

    class Line:
        '''A straight line.

        More about it.
        '''
        def __init__(self, options, *args):
            self.got = (options.n, *args)

    @hookimpl
    def motet_surrogates():
        return [Declaration("NAME", Line, Options)]
"""

Install = Callable[..., None]
Load = Callable[[], Registry]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a distribution with one module and one entry point of the group `motet` on the path."""
    modules: list[str] = []

    def install(name: str, code: str, version: str = "1.0", value: str | None = None) -> None:
        module = f"plugin_{name.replace('-', '_')}_{tmp_path.name}"
        modules.append(module)
        (tmp_path / f"{module}.py").write_text(dedent(code))
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[motet]\n{name} = {value or module}\n")

    monkeypatch.syspath_prepend(tmp_path)
    yield install
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def load_installed(tmp_path: Path) -> Load:
    """Loads the plugins of the test's own distributions."""

    def load_them() -> Registry:
        found = metadata.distributions(path=[str(tmp_path)])
        return load(point for dist in found for point in dist.entry_points if point.group == "motet")

    return load_them


def named(name: str) -> str:
    return GOOD.replace("NAME", name)


def test_a_plugin_comes_with_its_distribution_version_and_doc(install: Install, load_installed: Load) -> None:
    install("motet-line", named("line"), version="2.3")
    found = load_installed().all(Kind.SURROGATE)["line"]
    assert (found.kind, found.distribution, found.version) == (Kind.SURROGATE, "motet-line", "2.3")
    assert found.declaration.doc == "A straight line."


def test_the_registry_makes_what_is_declared(install: Install, load_installed: Load) -> None:
    install("motet-line", named("line"))
    registry = load_installed()
    assert registry.make(Kind.SURROGATE, "line", {"n": 3}, "more").got == (3, "more")
    with pytest.raises(ValueError, match="valid integer"):
        registry.make(Kind.SURROGATE, "line", {"n": "three"})
    assert registry.problems == []


def test_installed_plugins_are_found_by_their_entry_points(install: Install) -> None:
    install("motet-line", named("a_line_of_this_test"))
    found = load().all(Kind.SURROGATE)
    assert found["a_line_of_this_test"].distribution == "motet-line"
    assert found["random_forest"].distribution == "motet"


def test_a_name_that_is_taken_is_reported_and_the_first_stays(install: Install, load_installed: Load) -> None:
    install("a-lines", named("line"))
    install("b-lines", named("line"))
    registry = load_installed()
    assert registry.all(Kind.SURROGATE)["line"].distribution == "a-lines"
    assert registry.problems == ["b-lines: surrogate 'line' is already taken by a-lines; the first one is used"]


def test_the_names_of_motet_itself_cannot_be_taken(install: Install) -> None:
    install("a-lines", named("random_forest"))
    registry = load()
    assert registry.all(Kind.SURROGATE)["random_forest"].distribution == "motet"
    assert registry.problems == ["a-lines: surrogate 'random_forest' is already taken by motet; the first one is used"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise RuntimeError('no licence')", "broken: could not import MODULE: RuntimeError: no licence"),
        ("import motet_is_not_here", "broken: could not import MODULE: ModuleNotFoundError: No module named"),
        ("def (", "broken: could not import MODULE: SyntaxError: "),
        ("raise SystemExit(3)", "broken: could not import MODULE: SystemExit: 3"),
        (
            named("x").replace("motet_surrogates", "motet_surogates"),
            "broken: unknown hook 'motet_surogates'; did you mean motet_surrogates?",
        ),
        (
            named("x").replace("motet_surrogates()", "motet_surrogates(config)"),
            "broken: motet_surrogates takes config; hooks are called without arguments",
        ),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_named(
    install: Install, load_installed: Load, code: str, message: str, tmp_path: Path
) -> None:
    install("a-line", named("line"))
    install("broken", code)
    install("c-line", named("other"))
    registry = load_installed()
    assert list(registry.all(Kind.SURROGATE)) == ["line", "other"]
    (problem,) = registry.problems
    assert problem.startswith(message.replace("MODULE", f"plugin_broken_{tmp_path.name}"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise RuntimeError('no licence')", "motet_surrogates failed: RuntimeError: no licence"),
        ("raise SystemExit(3)", "motet_surrogates failed: SystemExit: 3"),
        ("return None", "motet_surrogates gave None, not a list of declarations"),
        ("return Declaration('x', Line)", "motet_surrogates gave Declaration(name='x'"),
        ("return ['line']", "motet_surrogates gave 'line', not a Declaration"),
        ("return [Line]", "motet_surrogates gave <class"),
        ("yield Declaration('fine', Line)\n        raise ValueError('late')", "failed: ValueError: late"),
    ],
)
def test_a_hook_that_fails_is_named(install: Install, load_installed: Load, body: str, message: str) -> None:
    install("a-line", named("line"))
    install("broken", named("x").replace('return [Declaration("x", Line, Options)]', body))
    registry = load_installed()
    assert list(registry.all(Kind.SURROGATE)) == ["line"]
    (problem,) = registry.problems
    assert problem.startswith("broken: ")
    assert message in problem


def test_one_bad_declaration_leaves_the_others_of_its_plugin(install: Install, load_installed: Load) -> None:
    install("half", named("x").replace("return [", "return [5, "))
    registry = load_installed()
    assert list(registry.all(Kind.SURROGATE)) == ["x"]
    assert registry.problems == ["half: motet_surrogates gave 5, not a Declaration"]


def test_a_driver_must_be_declared_as_one(install: Install, load_installed: Load) -> None:
    install("half", named("x").replace("motet_surrogates", "motet_drivers"))
    registry = load_installed()
    assert list(registry.all(Kind.DRIVER)) == []
    (problem,) = registry.problems
    assert problem.startswith("half: motet_drivers gave Declaration(name='x'")
    assert problem.endswith("not a Driver")


def test_a_failing_hook_leaves_the_other_hooks_of_its_plugin(install: Install, load_installed: Load) -> None:
    code = named("line") + (
        "\n    @hookimpl\n    def motet_drivers():\n        raise RuntimeError('no driver today')\n"
    )
    install("half", code)
    registry = load_installed()
    assert list(registry.all(Kind.DRIVER)) == []
    assert list(registry.all(Kind.SURROGATE)) == ["line"]
    assert registry.problems == ["half: motet_drivers failed: RuntimeError: no driver today"]


def test_an_entry_point_to_nothing_is_named(install: Install, load_installed: Load) -> None:
    install("gone", "", value="motet_was_never_here:plugin")
    assert load_installed().problems == [
        "gone: could not import motet_was_never_here:plugin: ModuleNotFoundError: "
        "No module named 'motet_was_never_here'"
    ]


def test_two_entry_points_to_one_module_are_reported(install: Install, load_installed: Load) -> None:
    install("a-line", named("line"))
    module = next(point.value for point in metadata.entry_points(group="motet") if point.name == "a-line")
    install("b-line", "", value=module)
    registry = load_installed()
    assert list(registry.all(Kind.SURROGATE)) == ["line"]
    assert registry.problems == [f"b-line: {module} is the plugin of a-line already"]


def test_an_unknown_name_comes_with_the_nearest_and_with_what_is_broken(install: Install, load_installed: Load) -> None:
    install("a-line", named("line"))
    registry = load_installed()
    with pytest.raises(PluginProblem, match=r"no surrogate named 'lime'; did you mean line\?"):
        registry.get(Kind.SURROGATE, "lime")
    with pytest.raises(PluginProblem, match="no surrogate named 'gp'; known: line"):
        registry.get(Kind.SURROGATE, "gp")
    install("broken", "raise RuntimeError('no licence')")
    with pytest.raises(PluginProblem, match=r"known: line \(broken: could not import .* no licence\)"):
        load_installed().get(Kind.SURROGATE, "gp")


def test_plugins_are_asked_once_and_only_for_the_kind_that_is_needed(
    install: Install, load_installed: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    code = named("line") + (
        "\n    @hookimpl\n    def motet_drivers():\n        print('asked for drivers')\n        return []\n"
    )
    install("chatty", code)
    registry = load_installed()
    assert registry.all(Kind.SURROGATE)
    assert capsys.readouterr().out == ""
    assert registry.all(Kind.DRIVER) is registry.all(Kind.DRIVER)
    assert capsys.readouterr().out == "asked for drivers\n"


LATER = """
    from motet.contracts.declarations import Declaration, Later
    from motet.hookspecs import hookimpl

    class Line:
        '''A straight line.'''

    def broken():
        raise ImportError("no such library")

    def another():
        return Declaration("something_else", Line)

    @hookimpl
    def motet_surrogates():
        return [Later("line", lambda: Declaration("line", Line)), Later("broken", broken), Later("other", another)]
"""


def test_a_later_declaration_is_loaded_when_it_is_named_and_one_that_cannot_be_is_named(
    install: Install, load_installed: Load
) -> None:
    install("lines", LATER)
    registry = load_installed()
    assert list(registry.all(Kind.SURROGATE)) == ["line", "broken", "other"]
    assert registry.problems == []
    assert registry.get(Kind.SURROGATE, "line").doc == "A straight line."
    with pytest.raises(
        PluginProblem, match=r"^lines: surrogate 'broken' could not be loaded: ImportError: no such lib"
    ):
        registry.get(Kind.SURROGATE, "broken")
    assert list(registry.usable(Kind.SURROGATE)) == ["line"]
    assert len(registry.problems) == 2
    assert "surrogate 'other' gave" in registry.problems[1]
