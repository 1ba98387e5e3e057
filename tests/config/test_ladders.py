"""Ladders in YAML: what ships, and what is refused with its line and its remedy."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from config.readers.ladders import read_ladder
from config.readers.yaml_files import read_yaml
from config.readers.yaml_reader import PolicyError
from domain.actions import SCHEDULE_VISIT
from domain.contact_outcomes import ContactOutcome
from domain.errors import ArrearsError
from domain.follow_ups import FollowUp, Trigger
from domain.holds import HoldKind
from domain.ladder import Days, Ladder, MissedSteps
from domain.outcome_follows import what_follows
from tests.support import refused_yaml

TEMPLATES = {
    *("reminder_first", "reminder_second", "legal_notice", "guarantor_notice", "visit_notice"),
    "promise_reminder",
    *("arrangement_missed", "arrangement_default_notice", "nothing_offered"),
}
SHIPPED = Path(__file__).parents[2] / "config" / "ladders"

SMALL = """\
id: small
version: 1
effective_from: 2026-01-01
applies_to: {jurisdictions: [CN], products: [consumer_loan]}
currency: CNY
minimum_amount: 10.50
grace_days: 0
missed_steps: skip
source: A policy.
steps:
  - step: remind
    days: 1-3
    items:
      - item: text
        do: send_sms
        days: 1-2
        template: reminder_first
      - item: call
        do: assign_call
  - rest: true
    days: 4-6
  - step: legal
    days: 7-
    items:
      - item: file
        do: open_legal_file
        requires: [remind]
        approval: supervisor
"""


def read(directory: Path, text: str) -> Ladder:
    path = directory / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return read_ladder(read_yaml(path), TEMPLATES)


def refusal(directory: Path, text: str, old: str = "", new: str = "") -> str:
    return refused_yaml.refusal(read, directory, text, old, new)


def test_the_shipped_chinese_ladder_says_what_the_product_is_for() -> None:
    ladder = read_ladder(read_yaml(SHIPPED / "consumer_loan_cn.yaml"), TEMPLATES)

    assert [(step.id, str(step.days)) for step in ladder.steps] == [
        ("remind", "1-3"),
        ("enquire", "7-29"),
        ("visit", "30-59"),
        ("legal", "60-"),
    ]
    items = {item.id: item for _, item in ladder.items}
    assert (items["text_day_1"].template, items["text_day_3"].template) == (
        "reminder_first",
        "reminder_second",
    )
    assert (items["text_day_1"].days, items["text_day_3"].days) == (Days(1, 2), Days(3, 3))
    assert items["friendly_call"].days == Days(1, 3)
    assert items["enquiry_call"].must_learn == ("reason",)
    assert items["enquiry_call"].may_offer == ("deferral", "instalments")
    assert items["field_visit"].do == SCHEDULE_VISIT
    assert items["legal_notice"].template == "legal_notice"
    assert items["legal_file"].requires == ("remind", "enquire", "visit")
    assert items["legal_file"].approval == "supervisor"
    assert ladder.missed_steps is MissedSteps.SKIP
    assert ladder.currency == "CNY"


def test_the_shipped_american_ladder_is_for_personal_loans_in_dollars() -> None:
    ladder = read_ladder(read_yaml(SHIPPED / "consumer_loan_us.yaml"), TEMPLATES)
    assert ladder.applies_to.matches("US-MA", "personal_loan")
    assert ladder.currency == "USD"


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_ladder_is_named_as_its_file(path: Path) -> None:
    """The newest version has the ladder's name; a former one says which it is."""
    ladder = read_ladder(read_yaml(path), TEMPLATES)
    assert path.stem in {ladder.id, f"{ladder.id}_v{ladder.version}"}


def test_values_mean_what_they_look_like(tmp_path: Path) -> None:
    ladder = read(tmp_path, SMALL)
    assert ladder.minimum_amount == Decimal("10.50")
    assert str(ladder.minimum_amount) == "10.50"
    assert (ladder.effective_from, ladder.effective_to) == (date(2026, 1, 1), None)
    assert ladder.name == "small v1"


def test_items_act_on_all_the_days_of_their_step_unless_they_say_otherwise(tmp_path: Path) -> None:
    days = {item.id: item.days for _, item in read(tmp_path, SMALL).items}
    assert days == {"text": Days(1, 2), "call": Days(1, 3), "file": Days(7)}


def test_products_may_be_left_out_for_all_of_them(tmp_path: Path) -> None:
    ladder = read(tmp_path, SMALL.replace(", products: [consumer_loan]", ""))
    assert ladder.applies_to.matches("CN", "anything")


def test_the_first_days_may_go_unsaid_when_they_are_days_of_grace(tmp_path: Path) -> None:
    text = SMALL.replace("grace_days: 0", "grace_days: 1").replace("days: 1-3", "days: 2-3")
    assert read(tmp_path, text.replace("days: 1-2", "days: 2")).grace_days == 1


# What is wrong, what to change in the ladder above, the line to point at, and words of the refusal.
REFUSED = [
    (
        "an unknown key",
        "version:",
        "versoin:",
        2,
        "`aaaaaaa` (masked) is not known here. Did you mean version?",
    ),
    ("a missing key", "currency: CNY\n", "", 1, "`currency` is missing here. Write currency:"),
    ("an empty value", "currency: CNY", "currency:", 5, "`currency` has no value"),
    ("a version in words", "version: 1", "version: one", 2, "Write a whole number"),
    ("version 0", "version: 1", "version: 0", 2, "Write 1 or more"),
    ("a list for a word", "id: small", "id: [small]", 1, "`id` is not a single value"),
    ("a word for a list", "[remind]", "remind", 27, "`requires` is not a list"),
    ("an id with capitals", "id: small", "id: Small", 1, "Write small letters"),
    ("a day no calendar has", "2026-01-01", "2026-02-30", 3, "such as 2026-01-31"),
    ("a date the other way round", "2026-01-01", "01/02/2026", 3, "year-month-day"),
    ("a negative minimum", "10.50", "-1", 6, "Write 0 or more"),
    ("a minimum in words", "10.50", "ten", 6, "Write an amount, such as 100.00"),
    ("a currency nobody has", "CNY", "CYN", 5, "no currency `aaa` (masked). Did you mean"),
    ("a country in words", "[CN]", "[China]", 4, "two capitals, such as CN"),
    ("an unknown habit", "missed_steps: skip", "missed_steps: ignore", 8, "catch_up, skip"),
    ("negative grace", "grace_days: 0", "grace_days: -1", 7, "Write 0 or more"),
    (
        "an end before the beginning",
        "effective_from: 2026-01-01",
        "effective_from: 2026-01-01\neffective_to: 2025-12-31",
        4,
        "Write 2026-01-01 or later",
    ),
    (
        "days that run backwards",
        "days: 1-3",
        "days: 3-1",
        12,
        "(masked), which runs backwards",
    ),
    ("the due day", "days: 1-3", "days: 0-3", 12, "the due day 0 is not overdue"),
    ("days in words", "days: 1-3", "days: soon", 12, "Write ladder days from 1"),
    ("three digits glued together", "days: 1-3", "days: 1-3-5", 12, "Write ladder days from 1"),
    ("steps that overlap", "days: 7-", "days: 5-", 22, "Begin on day 7"),
    (
        "a gap nobody declared",
        "  - rest: true\n    days: 4-6\n",
        "",
        20,
        "days: 4-6 before this one",
    ),
    ("an undeclared beginning", "days: 4-6", "days: 5-6", 20, "Nothing is said about day 4."),
    ("an undeclared end", "days: 7-\n", "days: 7-90\n", 22, "rest: true with days: 91-"),
    (
        "a step after one without an end",
        "days: 4-6",
        "days: 4-",
        22,
        "Give the entry above a last day",
    ),
    ("a rest that is false", "rest: true", "rest: false", 20, "Write rest: true, or a step"),
    ("item days outside the step", "days: 1-2", "days: 2-4", 16, "Write days within 1-3"),
    ("item days without an end", "days: 1-2", "days: 2-", 16, "Write days within 1-3"),
    ("item days all in grace", "grace_days: 0", "grace_days: 2", 16, "Write days that reach 3"),
    ("two items of one id", "item: call", "item: text", 18, "item text already, in line 14"),
    ("two steps of one id", "step: legal", "step: remind", 22, "step remind already, in line 11"),
    ("work that nobody does", "do: assign_call", "do: assign_cal", 19, "Did you mean assign_call?"),
    ("a text without words", "        template: reminder_first\n", "", 14, "`template` is missing"),
    (
        "a call with words",
        "do: assign_call",
        "do: assign_call\n        template: reminder_first",
        20,
        "Take the line out",
    ),
    (
        "a template nobody wrote",
        "reminder_first",
        "reminder_frist",
        17,
        "Did you mean reminder_first?",
    ),
    ("a requirement nobody knows", "[remind]", "[remnd]", 27, "Did you mean remind?"),
    ("a requirement of its own step", "[remind]", "[legal]", 27, "no earlier step `aaaaa`"),
    (
        "a requirement of the first step",
        "days: 1-2",
        "requires: [legal]",
        16,
        "no step before this one",
    ),
    ("a key written twice", "version: 1", "version: 1\nversion: 2", 3, "twice, first in line 2"),
    ("a tab", "  - rest", "\t- rest", 20, "Write spaces instead"),
    ("a bracket left open", "[CN]", "[CN", 4, "this is not YAML"),
]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_ladder_with_this_is_refused(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    message = refusal(tmp_path, SMALL, old, new)
    assert re.search(rf"small.yaml line {line}(, column \d+)?: ", message)
    assert says in message


@pytest.mark.parametrize("text", ["", "\n\n", "# Nothing but a comment.\n"])
def test_an_empty_file_is_refused(tmp_path: Path, text: str) -> None:
    assert "the file is empty. Fill it in, or delete it." in refusal(tmp_path, text)


def test_a_file_that_is_a_list_is_refused(tmp_path: Path) -> None:
    assert "has no keys" in refusal(tmp_path, "- id: small\n")


def test_all_that_is_wrong_with_the_items_is_told_at_once(tmp_path: Path) -> None:
    text = SMALL.replace("reminder_first", "reminder").replace("assign_call", "assign_cal")
    message = refusal(tmp_path, text.replace("[remind]", "[remined]"))
    assert [line.split(":")[0].rsplit(" ", 1)[1] for line in message.splitlines()] == [
        "17",
        "19",
        "27",
    ]


def test_a_refusal_is_meant_for_people(tmp_path: Path) -> None:
    with pytest.raises(ArrearsError):
        read(tmp_path, SMALL.replace("version: 1", "version: one"))


def test_a_file_in_the_working_directory_is_named_as_one_would_type_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    message = refusal(tmp_path, SMALL.replace("version: 1", "version: one"))
    assert message.startswith("small.yaml line 2: ")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes("# 催收\n".encode("gb18030"))
    with pytest.raises(PolicyError, match="Save it as UTF-8"):
        read_yaml(path)


def test_at_most_fifteen_outcomes_are_shown_and_each_once(tmp_path: Path) -> None:
    def showing(outcomes: list[ContactOutcome]) -> str:
        return f"{SMALL}outcomes:\n  shown: [{', '.join(outcomes)}]\n"

    every = list(ContactOutcome)
    assert read(tmp_path, showing(every[:15])).shown_outcomes("remind") == tuple(every[:15])
    assert len(set(read(tmp_path, SMALL).shown_outcomes("remind"))) == 15
    too_many = refusal(tmp_path, showing(every[:16]))
    assert "line 30: 16 outcomes are shown at a time" in too_many
    assert "Leave at most 15." in too_many
    assert "spoke is shown twice" in refusal(tmp_path, showing([every[0], every[0]]))


FOLLOW_UPS = """\
follow_ups:
  - item: reminder
    after: promise_due_tomorrow
    within: 1
    during: [promise]
    do: send_sms
    template: promise_reminder
  - item: broken_call
    after: promise_broken
    within: 5
    do: assign_call
"""


def test_what_follows_from_something_that_happened_is_in_no_step(tmp_path: Path) -> None:
    ladder = read(tmp_path, SMALL + FOLLOW_UPS)

    (reminder,) = ladder.after(Trigger.PROMISE_DUE_TOMORROW)
    assert ladder.item("reminder") == reminder
    assert reminder.follow_up == FollowUp(
        Trigger.PROMISE_DUE_TOMORROW, 1, frozenset({HoldKind.PROMISE})
    )
    assert "reminder" not in {item.id for _, item in ladder.items}
    assert ladder.after(Trigger.ARRANGEMENT_MISSED) == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("after: promise_broken", "after: full_moon", "Write one of: .*promise_broken"),
        ("within: 5", "within: -1", "`within`"),
        ("    within: 5\n", "", "`within` is missing"),
        ("item: broken_call", "item: call", "The ladder has the item call already"),
        ("do: assign_call\n", "do: assign_call\n    days: 3\n", "not known here"),
        ("do: assign_call\n", "do: open_legal_file\n", "bring the loan to court"),
        ("do: assign_call\n", "do: assign_call\n    during: [promise]\n", "only a text may remind"),
        ("during: [promise]", "during: [dispute]", "Write one of: arrangement, deferral, promise"),
        ("template: promise_reminder", "template: nothing", "There is no template"),
    ],
)
def test_a_mistake_in_a_follow_up_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = FOLLOW_UPS.replace(old, new)
    if old == "do: assign_call\n":
        text = FOLLOW_UPS[::-1].replace(old[::-1], new[::-1], 1)[::-1]
    refused = refusal(tmp_path, SMALL + text)
    assert re.search(said, refused), refused
    assert re.search(r"line \d+", refused)


def test_no_step_may_have_the_name_that_follow_ups_have_on_record(tmp_path: Path) -> None:
    assert "Choose another id" in refusal(tmp_path, SMALL.replace("step: legal", "step: follow_up"))


@pytest.mark.parametrize(
    ("outcome", "hold", "is_taken"),
    [
        ("says_paid", "manual", True),
        ("disputes", "dispute", True),
        ("refuses", "dispute", False),
        ("complains", "complaint", False),
        ("promised", "promise", False),
    ],
)
def test_no_outcome_places_the_hold_of_something_that_has_more_than_a_hold(
    tmp_path: Path, outcome: str, hold: str, is_taken: bool
) -> None:
    """A dispute has a clock and an answer: a bare hold of its kind would have neither."""
    text = f"{SMALL}outcomes:\n  follows:\n    {outcome}: {{hold: {hold}}}\n"
    if is_taken:
        follows = what_follows(read(tmp_path, text).outcomes, ContactOutcome(outcome))
        assert follows.hold == hold
    else:
        assert "line 31: `hold` is" in refusal(tmp_path, text)
