"""The pages that tell the stories: docs/stories.md and docs/zh/stories.md.

Each section has a title, what happens in a few sentences, and the record as Arrears writes it. A
story is lived, and its record must be what both pages show. `WRITE_STORIES=1` writes it there.
"""

import os
import re
from pathlib import Path

from domain.language.render import Sentence
from tests.stories.house import House

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"en": DOCS / "stories.md", "zh": DOCS / "zh" / "stories.md"}

_SOURCES = re.compile(r" Rules: .*| Rule packs: [^.]*\.|依据规则：.*|规则包：[^。]*。")
"""What `explain` adds to name the rules: the pages leave it out."""


def assert_told(house: House, number: int) -> None:
    """Check that section `number` of both pages shows the record of L-1 as it is now."""
    for language, page in PAGES.items():
        head, *sections = re.split(r"(?m)^(?=## )", page.read_text(encoding="utf-8"))
        section = sections[number - 1]
        assert section.startswith(f"## {number}. "), section[:40]
        told, _, shown = section.partition("\n\n- **")
        record = _lines(house.record(language))
        if os.environ.get("WRITE_STORIES"):
            sections[number - 1] = f"{told.rstrip()}\n\n{record}\n\n"
            page.write_text("".join([head, *sections]).rstrip() + "\n", encoding="utf-8")
        else:
            assert f"- **{shown.rstrip()}" == record


def _lines(record: list[Sentence]) -> str:
    """A list of days, each with its lines; what has no moment is left out."""
    lines: list[str] = []
    day = None
    for sentence in record:
        if sentence.at is None:
            continue
        if sentence.at.date() != day:
            day = sentence.at.date()
            lines.append(f"- **{day}**")
        lines.append(f"  - {sentence.at:%H:%M} {_SOURCES.sub('', sentence.text).rstrip()}")
    return "\n".join(lines)
