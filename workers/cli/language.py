"""The language in which a command answers: that of the locale, or of `--language`."""

import os
import sys
from typing import Annotated, Literal

import typer

Name = Literal["en", "zh"]
"""A name in `domain.language.speak.LANGUAGES`."""

Language = Annotated[
    Name | None,
    typer.Option(help="English or Chinese 中文; that of LC_ALL or LANG if left out."),
]


def language_of_environment() -> Name:
    """Chinese where the locale of messages is Chinese, as in `LANG=zh_CN.UTF-8`, and its characters
    can be shown; else English.
    """
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, names), "")
    return "zh" if locale.lower().startswith("zh") and _shows_chinese() else "en"


def _shows_chinese() -> bool:
    try:
        "中".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
