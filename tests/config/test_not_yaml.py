"""A file that is no YAML: where it is wrong and what to write is said, and nothing of the file."""

from pathlib import Path

import pytest

from config.readers.yaml_files import read_yaml
from config.readers.yaml_reader import PolicyError

NAME = "Zhang San"
FAULTS = [
    ("a bracket left open", "staff:\n  - roles: [caller\n    name: {}\n", 2, 12, "bracket"),
    ("a brace left open", "a: {{b: 1\nname: {}\n", 1, 4, "brace"),
    ("a quotation mark left open", 'a: "{}\nb: 1\n', 1, 4, "quotation mark"),
    ("no colon", "a: 1\n{}\nb: 2\n", 2, 1, "no colon"),
    ("two colons", "a: {}: 1\n", 1, 13, "a colon where none can be"),
    ("another indent", "a:\n  - b: {}\n   c: 2\n", 3, 4, "Indent the line"),
    ("an alias", "a: *{}\n", 1, 4, "sign that YAML keeps"),
    ("a sign", "a: @{}\n", 1, 4, "sign that YAML keeps"),
    ("a tab", "a:\n\tname: {}\n", 2, 1, "Write spaces"),
    ("a backslash", 'a: "{} \\q"\n', 1, 16, "backslash"),
    ("a second document", "a: 1\n---\nb: {}\n", 2, 1, "second document"),
    ("what no rule here knows", "a: ] {}\n", 1, 4, "Check indents"),
    ("a forbidden character", "a: 1\nb: {}\x01\n", 2, 13, "forbids"),
]


@pytest.mark.parametrize(
    ("text", "line", "column", "says"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_it_says_where_and_what_to_write(
    tmp_path: Path, text: str, line: int, column: int, says: str
) -> None:
    path = tmp_path / "roster.yaml"
    path.write_text(text.format(NAME), encoding="utf-8")
    with pytest.raises(PolicyError) as refused:
        read_yaml(path)
    (said,) = refused.value.texts
    assert f"roster.yaml line {line}, column {column}: " in str(said)
    assert says in str(said)
    for word in (*NAME.split(), "aaaaa", "masked"):
        assert word not in str(said)


def test_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "roster.yaml"
    path.write_bytes("a: 1\nname: 张三\n".encode("gb18030"))
    with pytest.raises(PolicyError, match=r"roster.yaml line 2: this is not UTF-8\. Save it"):
        read_yaml(path)
