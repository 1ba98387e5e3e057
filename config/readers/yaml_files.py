"""Reads a YAML file as the text that was written, and takes its digest."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import yaml
from yaml import MappingNode, MarkedYAMLError, Node, ScalarNode, SequenceNode, YAMLError

from config.readers.yaml_faults import forbidden_character, not_utf_8, not_yaml
from config.readers.yaml_reader import FOLD, PolicyError, Value

FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C: a process that starts reads all of the policy."""


def read_yaml(path: Path) -> Value:
    """Read a file that contains one YAML document.

    Raises:
        PolicyError: it cannot be read, is empty, or is not YAML.
    """
    file = _shown(path)
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        node = _compose(text)
    except OSError as error:
        raise PolicyError(
            "{file} cannot be read ({error}). Check its path.", file=file, error=error.strerror
        ) from None
    except UnicodeDecodeError as error:
        raise PolicyError(not_utf_8(file, error)) from None
    except MarkedYAMLError as error:
        raise PolicyError(not_yaml(file, error)) from None
    except YAMLError:
        raise PolicyError(forbidden_character(file, text)) from None
    if node is None:
        raise PolicyError("{file} line 1: the file is empty. Fill it in, or delete it.", file=file)
    return Value("file", file, node)


def _compose(text: str) -> Node | None:
    try:
        document: Node | None = yaml.compose(text, FAST)
    except MarkedYAMLError:
        # The parser in Python says better what is wrong.
        document = yaml.compose(text, yaml.SafeLoader)
    if document is not None:
        _mark_folds(document, text.splitlines())
    return document


def _mark_folds(document: Node, lines: Sequence[str]) -> None:
    seen: set[int] = set()
    left = [document]
    while left:
        node = left.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, ScalarNode) and node.style == ">":
            written = lines[node.start_mark.line + 1 : node.end_mark.line]
            node.value = _with_folds(node.value, [line.lstrip(" ") for line in written])
        elif isinstance(node, SequenceNode):
            left += node.value
        elif isinstance(node, MappingNode):
            left += chain.from_iterable(node.value)


def _with_folds(text: str, written: Iterable[str]) -> str:
    """The text of a folded block, with a mark after each of its lines that another one follows."""
    done = ""
    for line in filter(None, written):
        between, found, text = text.partition(line)
        done += (FOLD if done else "") + between + found
    return done + text


def digest(value: Value) -> str:
    """SHA-256, in hex, of the content of a document, without comments, layout and key order."""
    content = json.dumps(_plain(value.node), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def _plain(node: Node) -> object:
    if isinstance(node, MappingNode):
        return {str(key.value): _plain(child) for key, child in node.value}
    if isinstance(node, SequenceNode):
        return [_plain(child) for child in node.value]
    return str(node.value)


def _shown(path: Path) -> str:
    """The path, relative to the working directory where it is inside it."""
    resolved = path.resolve()
    here = Path.cwd()
    return str(resolved.relative_to(here) if resolved.is_relative_to(here) else path)
