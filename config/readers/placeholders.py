"""Reads `config/placeholders.yaml`: what stands where nothing is known."""

import hashlib
import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from config.readers.yaml_files import read_yaml
from config.readers.yaml_reader import Value

LONGEST_PLACEHOLDER = 100
"""Characters. A longer text is no placeholder, and no pattern is asked about it."""
PLACEHOLDERS = Path(__file__).parents[1] / "placeholders.yaml"


@lru_cache(maxsize=64)  # of one row several ask the same
def is_placeholder(text: str) -> bool:
    """Whether a text stands for nothing: it is no id, name, number or address. False if empty."""
    if not text or len(text) > LONGEST_PLACEHOLDER:
        return False
    written = _plain(text)
    words, patterns = _placeholders()
    if written in words:
        return True
    for pattern in patterns:  # noqa: SIM110 - it is asked of every name, and a generator is slower
        if pattern.fullmatch(written):
            return True
    return False


@cache
def placeholders_digest() -> str:
    """SHA-256, in hex, of the words and patterns: it changes with any of them."""
    words, patterns = _placeholders()
    written = repr((sorted(words), [pattern.pattern for pattern in patterns]))
    return hashlib.sha256(written.encode()).hexdigest()


@cache
def _placeholders() -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    top = read_yaml(PLACEHOLDERS).section("words patterns")
    words = frozenset(_plain(word) for word in top.need("words").entries(Value.text))
    patterns = top.need("patterns").entries(Value.text)
    return words, tuple(re.compile(pattern) for pattern in patterns)


def _plain(text: str) -> str:
    if text.isascii():
        return text.casefold().strip()
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(each for each in folded if unicodedata.category(each) != "Cf").strip()
