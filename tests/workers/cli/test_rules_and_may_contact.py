"""The law as it is loaded, and what the gate would say: asked by people, and nothing is done."""

import json
import re
import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

import config
from domain.holds import HoldKind
from domain.language.rules import describe_rule
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.events import store, tell
from tests.support.loans import Book, shipped_policy
from workers.db.schema import action, contact, metadata
from workers.inbox.event_data.persons import LoanPartyFacts

POLICY = Path(config.__file__).parent
ZONE = "Asia/Shanghai"


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return {**an_environment(database_url), "ARREARS_ZONE": ZONE}


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    return book


def test_every_rule_says_what_it_asks_in_a_sentence() -> None:
    said = [describe_rule(rule) for pack in shipped_policy().rule_packs for rule in pack.rules]
    assert all(rule.endswith(".") and rule[0].isupper() for rule in said)
    assert [rule for rule in said if re.search(r"[a-z]_[a-z]|\b1 \w+s\b|1 people", rule)] == []


def test_how_strongly_a_rule_speaks_is_said_in_a_word_that_is_no_prohibition(
    environment: dict[str, str],
) -> None:
    shown = arrears(environment, "rules").stdout
    assert "us.keep_records — binding" in shown
    assert "— presumed (" in shown
    assert "— advisory (" in shown
    assert "— must not" not in shown
    assert "Presumed: " in shown, "what the words mean stands below"


def test_every_rule_is_said_in_chinese() -> None:
    rules = [rule for pack in shipped_policy().rule_packs for rule in pack.rules]
    said = {rule.id: describe_rule(rule, "zh") for rule in rules}
    assert all(sentence.endswith("。") for sentence in said.values())
    own = re.compile(r"（(?:AFCA|Financial Ombudsman Service)）|consumerfinance\.gov/complaint")
    english = re.compile(r"[A-Za-z]{2,}|[,;!?()]")
    left = {id: own.sub("", sentence) for id, sentence in said.items()}
    assert {id: sentence for id, sentence in left.items() if english.search(sentence)} == {}


@pytest.mark.parametrize("how", [("--language", "zh"), ()], ids=["option", "locale"])
def test_the_rules_are_listed_in_chinese(environment: dict[str, str], how: tuple[str, ...]) -> None:
    locale = {} if how else {"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "utf-8"}
    shown = arrears(environment | locale, "rules", "cn", *how).stdout
    assert "cn.calls_connected——强制（电话）" in shown
    assert "一个自然日内最多3次通话（电话），此人名下全部贷款合计。" in shown
    assert "自最后一期还款日起3年后，不得起诉，也不得提及起诉。" in shown
    assert "cn.interval——草案：不执行（电话）" in shown
    assert "待复核" in shown
    assert "本页不是法律意见" in shown


def test_the_law_needs_no_settings() -> None:
    assert arrears({}, "rules", "CN").returncode == 0
    assert "in force since" in arrears({}, "ladder").stdout
    refused = arrears({"ARREARS_POLICYDIR": "x"}, "ladder")
    assert (refused.returncode, "Did you mean ARREARS_POLICY_DIR?" in refused.stderr) == (2, True)


def test_a_country_s_rules_stand_with_their_articles_and_what_needs_review(
    environment: dict[str, str],
) -> None:
    shown = arrears(environment, "rules", "us-ma").stdout
    assert "us_ma.contacts — binding (call, sms)" in shown
    assert "At most 2 attempts (call, sms) within any 7 days in a row, for each debt." in shown
    assert "940 CMR 7.04 (S, review: needed)" in shown
    assert "us.contact_hours" in shown, "its country's bind as well"
    assert "us.limitation" not in shown, "the state's own period stands instead"
    assert "lender.texts_a_day" in shown, "and the lender's own limits"


def test_rules_for_programs_hold_all_of_it(environment: dict[str, str]) -> None:
    answer = json.loads(arrears(environment, "rules", "--json").stdout)
    assert {shown_rule["jurisdiction"] for shown_rule in answer} >= {
        "CN",
        "US",
        "US-MA",
        "US-WA",
        "GB",
        "IN",
        "AU",
    }
    (one,) = [shown_rule for shown_rule in answer if shown_rule["id"] == "cn.attempts_unanswered"]
    assert (one["modality"], one["review_needed"]) == ("advisory", True)


def test_what_a_payment_pays_first_is_shown_where_a_pack_says_it(tmp_path: Path) -> None:
    cited = "unless the contract agrees on another. Civil Code 561 (V)."
    assert cited in arrears({}, "rules", "CN").stdout
    assert "ARREARS_ALLOCATION_BY do." in arrears({}, "rules", "IN").stdout
    shutil.copytree(POLICY, tmp_path / "policy")
    pack = tmp_path / "policy" / "rule_packs" / "in.yaml"
    pack.write_text(f"{pack.read_text()}\nallocation: [fees, principal, interest]\n")
    own = {"ARREARS_POLICY_DIR": str(tmp_path / "policy")}
    shown = arrears(own, "rules", "IN").stdout
    assert "A payment pays in this order: fees, principal, interest." in shown
    assert "ARREARS_ALLOCATION_BY" not in shown
    chinese = arrears({**own, "LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "utf-8"}, "rules", "IN")
    assert "还款依次抵充：费用、本金、利息。" in chinese.stdout
    rules = json.loads(arrears(own, "rules", "IN", "--json").stdout)
    assert {"fees", "principal", "interest"} in [set(rule["allocation"]) for rule in rules]


def test_a_country_without_rules_is_a_sentence(environment: dict[str, str]) -> None:
    refused = arrears(environment, "rules", "FR")
    assert (refused.returncode, "nobody there is contacted" in refused.stderr) == (2, True)


def test_a_call_by_night_is_deferred_to_the_morning_and_the_rule_is_named(
    environment: dict[str, str], book: Book
) -> None:
    asked = arrears(environment, "may-contact", "L-1", "call", "--at", "2026-03-05 23:00")

    assert asked.returncode == 1
    assert "deferred. Outside the contact hours" in asked.stdout
    assert "First lawful: 2026-03-06 08:00 (Asia/Shanghai)." in asked.stdout
    assert (
        "Against it (binding): cn.contact_hours: Contact only 08:00-22:00 (every day), unless"
        in asked.stdout
    )


def test_what_is_allowed_names_every_rule_that_was_asked(
    environment: dict[str, str], book: Book
) -> None:
    asked = arrears(environment, "may-contact", "L-1", "sms", "--at", "2026-03-05 12:00", "--json")
    answer = json.loads(asked.stdout)
    assert (asked.returncode, answer["permission"], answer["until"]) == (0, "allowed", None)
    assert any(rule.startswith("cn.texts_can_be_refused: ") for rule in answer["rules"])


def test_a_relative_is_another_question(environment: dict[str, str], book: Book) -> None:
    moment = ("--at", "2026-03-05 12:00")
    asked = arrears(environment, "may-contact", "L-1", "call", *moment, "--party", "third_party")
    assert asked.returncode == 1
    assert "cn.third_parties" in asked.stdout


def test_a_guarantor_is_asked_about_by_their_own_facts_and_named_if_there_are_two(
    environment: dict[str, str], book: Book
) -> None:
    asked = ("may-contact", "L-1", "call", "--at", "2026-03-05 12:00", "--party", "guarantor")
    nobody = arrears(environment, *asked)
    assert (nobody.returncode, "Loan L-1 has no guarantor" in nobody.stderr) == (2, True)
    for n in (1, 2):
        new = {"loan": "L-1", "borrower": f"G-{n}", "role": "guarantor", "actor": "s-1"}
        named = {"name": f"Guarantor {n}", "phone": f"+861390013907{n}", "zones": [ZONE]}
        data = LoanPartyFacts.model_validate({**new, **named}, strict=False)
        assert tell(book, "loan_party", **data.payload(book.ctx.cipher)).status == "applied"
    tell(book, "person_fact", borrower="G-1", fact="ceased", actor="s-1")
    assert "Name one of them with --borrower" in arrears(environment, *asked).stderr
    assert "barred" in arrears(environment, *asked, "--borrower", "G-1").stdout
    assert "allowed" in arrears(environment, *asked, "--borrower", "G-2").stdout


def test_what_waits_to_be_applied_stops_it_now(environment: dict[str, str], book: Book) -> None:
    store(book, "opt_out", borrower="B-L-1", channel=None, actor="s-1")
    asked = arrears(environment, "may-contact", "L-1", "legal")
    assert (asked.returncode, "lender.event_pending" in asked.stdout) == (1, True)


@pytest.mark.parametrize("how", [{"LANG": "zh_CN.UTF-8"}, {}])
def test_the_answer_is_in_chinese_where_it_is_asked_so(
    environment: dict[str, str], book: Book, how: dict[str, str]
) -> None:
    typed = () if how else ("--language", "zh")
    asked = arrears(
        environment | how, "may-contact", "L-1", "call", "--at", "2026-03-05 23:00", *typed
    )
    assert asked.returncode == 1
    assert "贷款L-1，电话，2026-03-05 23:00（北京时间）：顺延。" in asked.stdout
    assert "未通过（强制）：cn.contact_hours（" in asked.stdout
    assert "Against" not in asked.stdout


def test_asking_writes_nothing(environment: dict[str, str], book: Book) -> None:
    def counted() -> list[int]:
        asking = ("permission_use", "staff", "token", "evidence_due")  # whoever asks, on record
        tables = [table for table in metadata.sorted_tables if table.name not in asking]
        return [book.one(select(func.count()).select_from(table))[0] for table in tables]

    before = counted()
    for channel in ("sms", "call", "visit", "legal"):
        arrears(environment, "may-contact", "L-1", channel, "--at", "2026-03-05 12:00")
    assert counted() == before
    assert book.rows(action) == book.rows(contact) == []


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("L-404", "sms"), "Loan L-404 is not known."),
        (("L-1", "sms", "--at", "tonight"), "is not a moment"),
        (("L-1", "sms", "--at", "2026-03-05"), "has no time"),
        (("L-1", "fax"), "Invalid value for 'channel': 'fax' is not one of"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(
    environment: dict[str, str], book: Book, command: tuple[str, ...], says: str
) -> None:
    refused = arrears(environment, "may-contact", *command)
    assert (refused.returncode, says in refused.stderr) == (2, True)
    assert "Traceback" not in refused.stderr


def test_a_purpose_that_a_law_lets_through_is_asked_about(
    environment: dict[str, str], book: Book
) -> None:
    there = {
        "phone": "+61412345678",
        "zones": ("Australia/Sydney",),
        "locale": "en",
        "product": "x",
    }
    book.loan("L-AU", due_on="2026-03-01", jurisdiction="AU", currency="AUD", **there)
    book.hold("L-AU", HoldKind.ARRANGEMENT, "2026-03-01", None)
    at = ("--at", "2026-03-05 12:00")

    held = arrears(environment, "may-contact", "L-AU", "call", *at)
    answer = arrears(environment, "may-contact", "L-AU", "call", *at, "--purpose=requested")

    assert (held.returncode, "deferred" in held.stdout) == (1, True)
    assert answer.returncode == 0
