"""Who must not handle a person does and reads nothing of theirs: every use case asks, or says why
not."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

ABOUT_PEOPLE = (
    *("actions", "attempts", "borrowers", "calls", "evidence", "gate", "hardship", "history"),
    *("operations", "staff", "visits"),
)
"""The folders whose use cases are about a person, or show several."""

ASKS = {
    *("assert_may_handle", "assert_may_report", "refuse_who_may_not"),
    *("assert_may_read", "readable"),
    "assert_fit",  # of a dispute or a complaint: why_unfit asks
}

ASKS_NOT = {
    "actions.dead_letters.read_dead": "what stands still, for whoever operates the server",
    "actions.dead_letters.read_history": "the same",
    "actions.dead_letters.retry": "the same; it contacts nobody that the gate does not allow",
    "actions.dead_letters.discard": "the same",
    "actions.dead_letters.items_requiring": "the same",
    "attempts.attempts.find_open_attempt": "the outcome of what was begun is reported by anybody",
    "calls.amounts.assert_commands_show_amounts": "the use case that shows them asks",
    "calls.who_may_end.assert_may_decline": "whoever ends it asks; this only refuses",
    "borrowers.inbound_texts.language_of_number": "for a provider's system",
    "evidence.report.verify_evidence": "whether anything was changed: rows, and no person",
    "evidence.report.newest_head": "the same",
    "operations.persons.would_decide": "what is decided asks, when it is reported",
    "operations.problems.read_problems": "for who oversees the work",
    "operations.problems.resolve_problem": "the same",
    "operations.sending_holds.stop_sending": "it is about everybody",
    "operations.sending_holds.resume_sending": "the same",
    "staff.call_results.read_results": "figures of teams and collectors",
    "staff.call_samples.draw_sample": "the draw decides, for who oversees the work",
    "staff.next_work.next_for": "the statement that finds work leaves them out",
    "staff.served_leases.release": "work is given back",
    "staff.roster.list_roster": "the staff",
    "staff.roster.load_roster": "the same",
    "staff.score_sheets.sheets_to_fill": "sheets without a person",
    "staff.served.work_under_way": "for who oversees the work",
}


def use_cases() -> Iterator[tuple[str, set[str]]]:
    """Each use case that asks for a permission, with all that its module calls for it."""
    for folder in ABOUT_PEOPLE:
        for file in sorted((ROOT / "workers" / folder).glob("*.py")):
            functions = {
                node.name: node
                for node in ast.parse(file.read_text()).body
                if isinstance(node, ast.FunctionDef)
            }
            for name, node in functions.items():
                if any("permitted" in ast.unparse(each) for each in node.decorator_list):
                    yield f"{folder}.{file.stem}.{name}", used_by(name, functions, set())


def used_by(name: str, functions: dict[str, ast.FunctionDef], seen: set[str]) -> set[str]:
    seen.add(name)
    named = {each.id for each in ast.walk(functions[name]) if isinstance(each, ast.Name)}
    for other in named & functions.keys() - seen:
        named |= used_by(other, functions, seen)
    return named


@pytest.mark.attack("a door that forgets")
def test_every_use_case_about_a_person_asks_who_may_handle_them() -> None:
    found = dict(use_cases())
    silent = {name for name, uses in found.items() if uses.isdisjoint(ASKS)}
    assert silent == set(ASKS_NOT)


def test_what_must_not_handle_means_is_written_down_once() -> None:
    means = re.compile(r"(FROM|JOIN) must_not_handle\b")
    files = (ROOT / "workers").rglob("*.py")
    said = [f.name for f in files if "migrations" not in f.parts and means.search(f.read_text())]
    assert said == []  # text takes it from kept_away.py, as queries do
