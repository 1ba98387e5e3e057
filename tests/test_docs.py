"""The documentation says what is so: settings, words and places that exist."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from config.settings import Settings
from domain.decision import Outcome
from domain.gate import Answer
from domain.holds import HoldKind
from domain.ladder import MissedSteps, Work
from domain.replies import ReplyKind
from domain.rules import Channel
from domain.statuses import ActionStatus, MessageStatus, OutboxStatus, PromiseStatus
from workers.queues import Queue

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), *ROOT.glob("*.md")]
SOMEBODYS_MACHINE = re.compile(r"/home/|/Users/|/root/|[A-Z]:\\Users")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def rows(page: str) -> dict[str, list[str]]:
    """The tables of a page: the first cell of each row, and the other cells."""
    cells = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in (DOCS / page).read_text().splitlines()
        if line.startswith("| ")
    ]
    return {row[0].strip("`| "): [cell.strip("| ") for cell in row[1:]] for row in cells}


def default(field: FieldInfo) -> str:
    """The default as the table writes it."""
    match field.default:
        case _ if field.is_required():
            return "needed"
        case None:
            return "none"
        case Path() as path:
            return f"`{path.name}`"
        case list() as several:
            return f"`{','.join(several)}`"
        case value:
            return f"`{value}`"


@pytest.mark.parametrize(
    "field", Settings.model_fields.values(), ids=lambda field: str(field.alias)
)
def test_a_setting_is_documented_with_its_default(field: FieldInfo) -> None:
    table = rows("settings.md")
    assert field.alias in table
    assert table[field.alias][0] == default(field)


def test_no_setting_is_documented_that_does_not_exist() -> None:
    aliases = {field.alias for field in Settings.model_fields.values()}
    ours = {name for name in rows("settings.md") if name.startswith(("ARREARS_", "TWILIO_"))}
    assert ours <= aliases


@pytest.mark.parametrize(
    "words",
    [
        ActionStatus,
        MessageStatus,
        PromiseStatus,
        OutboxStatus,
        ReplyKind,
        HoldKind,
        Outcome,
        Answer,
        Channel,
        Work,
        MissedSteps,
    ],
    ids=lambda words: words.__name__,
)
def test_a_word_of_the_code_is_in_the_glossary(words: Iterable[StrEnum]) -> None:
    glossary = (DOCS / "glossary.md").read_text()
    assert [word for word in words if f"`{word}`" not in glossary] == []


def test_every_queue_is_on_the_page_about_architecture() -> None:
    page = (DOCS / "architecture.md").read_text()
    assert [queue for queue in Queue if f"`{queue}`" not in page] == []


@every_page
def test_a_link_leads_to_a_file_that_exists(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@every_page
def test_a_place_in_the_code_that_a_page_names_exists(page: Path) -> None:
    places = re.findall(r"`((?:domain|config|workers|tests|docs)/[\w/.-]+)`", page.read_text())
    assert [place for place in places if not (ROOT / place).exists()] == []


@every_page
def test_a_page_names_no_path_of_somebodys_machine(page: Path) -> None:
    assert not SOMEBODYS_MACHINE.search(page.read_text())
