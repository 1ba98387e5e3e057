"""A reader of Chinese meets no English sentence at the command line."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from string import Formatter

from domain.language.sentences import in_chinese
from tests.support.commands import arrears
from tests.support.said_texts import (
    FOLDERS,
    ROOT,
    texts_in_code,
    texts_of_helps,
    texts_of_tables,
    texts_put_together,
)

LATIN = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}")
"""Three words in a row: a sentence, and not an id, a code or a command."""
HALF_WIDTH = re.compile(r"[一-鿿] ?[,;:?!]")

ADDED = "; (?:this stands|no id begins|at least one)"
"""Where the code adds one text to another."""


def values_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@cache
def helps() -> list[str]:
    return list(texts_of_helps())


def constants() -> Iterator[str]:
    for path in (path for folder in FOLDERS for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_everything_that_is_said_is_said_in_chinese_too() -> None:
    said = sorted({*texts_in_code(), *texts_of_tables(), *helps()})
    assert [text for text in said if text not in in_chinese()] == []


def test_no_text_is_put_together_where_no_other_language_can_find_it() -> None:
    assert [text for text in texts_put_together() if not re.search(ADDED, text)] == []


def test_a_chinese_text_has_the_values_of_the_english_one() -> None:
    both = in_chinese().items()
    assert [zh for text, zh in both if values_of(zh) != values_of(text)] == []


def test_a_chinese_text_has_no_english_sentence_and_full_width_punctuation() -> None:
    prose = [re.sub(r"`[^`]*`|“[^”]*”", "", zh) for zh in in_chinese().values()]
    assert [zh for zh in prose if LATIN.search(zh) or HALF_WIDTH.search(zh)] == []


def test_no_chinese_text_is_left_over() -> None:
    said = "\n".join((*constants(), *helps()))
    ladders = ROOT.parent / "config" / "ladders"
    said += "\n".join(path.read_text(encoding="utf-8") for path in ladders.glob("*.yaml"))
    parts = {text: re.split(ADDED, text) for text in in_chinese()}
    assert [text for text, whole in parts.items() if whole[0] not in said] == []


def test_the_help_is_in_chinese_where_the_locale_is() -> None:
    chinese = {"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "utf-8"}
    assert "还款：记录、冲正、退款，以及撤销冲正或退款。" in arrears(chinese, "--help").stdout
    assert "记录还款：入账到各期" in arrears(chinese, "payment", "record", "--help").stdout
    assert "Record a payment" in arrears({}, "payment", "record", "--help").stdout
