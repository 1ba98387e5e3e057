"""A digest on record stays the digest of its file, whichever parser reads it."""

import hashlib
import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

import config
from config.readers.yaml_files import digest, read_yaml

SHIPPED = sorted(Path(config.__file__).parent.rglob("*.yaml"))
FOLDED = (
    "a: >-\n  one\n  two\n\n  three\n    more\n  four\nb: 1\n",
    "a: >\n  one\n\n\n  two\n",
    "a: >+\n  one  \n  two\n\nb: >-\n   x\n",
    "a: &same >-\n  one\n  two\nb: *same\n",
    "a:\n- >-\n  #2\n  3 # 4\n- 5\n",
    "a: |\n  one\n  two\nb: 'one\n  two'\n",
)


def by_another_parser(text: str) -> str:
    """As the first digests on record were taken."""
    content = json.dumps(plain(YAML().compose(text)), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def plain(node: Node) -> object:
    match node:
        case MappingNode():
            return {str(key.value): plain(child) for key, child in node.value}
        case SequenceNode():
            return [plain(child) for child in node.value]
    return str(node.value)


@pytest.mark.parametrize("text", FOLDED)
def test_folded_blocks_have_the_digests_that_were_registered(text: str, tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text(text)

    assert digest(read_yaml(path)) == by_another_parser(text)


def test_every_file_that_ships_has_the_digest_that_was_registered() -> None:
    for path in SHIPPED:
        assert digest(read_yaml(path)) == by_another_parser(path.read_text()), path.name
