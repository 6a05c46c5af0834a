"""YAML as it is read: values, lines, anchors, and broken files."""

from pathlib import Path

import pytest

from motet.errors import FileProblems
from motet.files.source import MAX_NODES, read


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problem(path: Path) -> str:
    with pytest.raises(FileProblems) as caught:
        read(path)
    return str(caught.value).replace(f"{path.parent}/", "")


def test_scalars_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    text = "[1e3, 0x1F, 0o17, 007, .5, -1, yes, off, true, ~, null, 2020-01-01, 12:30, '5', \"a\\tb\", µm]"
    assert read(written(tmp_path, f"all: {text}")).data["all"] == [
        *(1000.0, 31, 15, 7, 0.5, -1, "yes", "off", True, None, None),
        *("2020-01-01", "12:30", "5", "a\tb", "µm"),
    ]


def test_every_node_knows_its_path_and_line(tmp_path: Path) -> None:
    root = read(written(tmp_path, "# first\na:\n  b:\n    - 1\n    -\n      c: 2\n")).root
    node = root.at("a", "b", 1, "c")
    assert (root.line, node.line, node.key, node.content) == (2, 6, "a.b.1.c", 2)
    assert root.at("a", "b").line == 3


def test_merge_keys_bring_in_what_is_not_there(tmp_path: Path) -> None:
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], c: 3}\n"
    root = read(written(tmp_path, text)).root
    assert root.at("z").plain() == {"a": 1, "b": 1, "c": 3}
    assert (root.at("z", "b").key, root.at("z", "b").line) == ("z.b", 1)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    source = read(written(tmp_path, b"\xef\xbb\xbfa: 1\n"))
    assert (source.data, source.text) == ({"a": 1}, "a: 1\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "file.yaml: found an empty file; a mapping of keys to values is needed"),
        ("# nothing\n", "file.yaml: found an empty file; a mapping of keys to values is needed"),
        ("- 1\n", "file.yaml:1: found [1]; a mapping of keys to values is needed at the top of the file"),
        ("a:\n\tb: 1\n", "file.yaml:2: found a tab in the indentation; YAML is indented with spaces only"),
        (
            "a: {b: 1,\n\tc}: 2\n",
            "file.yaml:2: found a tab in the indentation; YAML is indented with spaces only",
        ),
        (
            "a: [1, 2\nb: 3\n",
            "file.yaml:2: found 'b: 3'; this is not YAML: expected ',' or ']', but got ':' "
            "while parsing a flow sequence that begins in line 1",
        ),
        (
            "a: 1\n b: 2\n",
            "file.yaml:2: found 'b: 2'; no `:` can stand there: check the indentation, and put quotes around "
            "text with a colon",
        ),
        (
            "a: 'x\n",
            "file.yaml:2: found the end of the file; this is not YAML: found unexpected end of stream "
            "while scanning a quoted scalar that begins in line 1",
        ),
        ("a: *x\n", "file.yaml:1: found 'a: *x'; this is not YAML: found undefined alias 'x'"),
        ("a: 1\n---\nb: 1\n", "file.yaml:2: found a second document after `---`; one document a file"),
        (b"a: 1\nb: \xff\n", "file.yaml:2: found the byte 0xff; the file must be UTF-8 text"),
        ("a: 1\nb: \x01\n", "file.yaml:2: found the character '\\x01'; a text file is needed"),
        (
            "a: &a [*a]\n",
            "file.yaml:1: a.0: found an alias inside the piece it stands for; a file without such circles",
        ),
        ("a: !x 1\n", "file.yaml:1: a: found the tag !x; tags have no meaning here: leave it out"),
        ("a: 1\na: 2\n", "file.yaml:2: a: found the key 'a' twice; line 1 has it already"),
        (
            "? [1]\n: 2\n",
            "file.yaml:1: found the key a list or mapping; a key must be text: put quotes around it",
        ),
        ("a: !!int x\n", "file.yaml:1: a: found 'x'; not readable as int: put quotes around text"),
    ],
)
def test_broken_files_say_where_and_what(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert problem(written(tmp_path, text)) == message


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    found = problem(written(tmp_path, "\n".join(lines)))
    assert found == (
        f"file.yaml: found more than {MAX_NODES} values once its aliases are filled in; a smaller file is needed"
    )


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    found = problem(written(tmp_path, f"a: {'[' * 1000}"))
    assert found.startswith("file.yaml: found lists or mappings nested too deeply;")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert problem(tmp_path / "none.yaml") == (
        "none.yaml: found no such file 'none.yaml'; a file that can be read is needed"
    )
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    assert problem(folder) == "folder.yaml: found Is a directory; a file that can be read is needed"
