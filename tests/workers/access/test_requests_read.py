"""A request is read in the reader's language, listed to whom it concerns, and both persons stand in
the history of the loan."""

import json

import pytest
from sqlalchemy import Engine

from domain.actors import Role
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.loans import Book
from tests.support.signed_in import signed_in
from workers.db.schema import second_person_request

CHINESE = {"LC_ALL": "zh_CN.UTF-8", "LANGUAGE": ""}
WRITE_OFF = ("write-off", "L-1", "--why", "sold")


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return {**an_environment(database_url), "ARREARS_ZONE": "UTC", "COLUMNS": "200"}


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, zone="UTC")
    book.loan("L-1", due_on="2026-03-01")
    return book


def test_both_persons_read_it_in_their_language_and_the_history_names_both(
    environment: dict[str, str], book: Book
) -> None:
    asks = signed_in(environment, "s-1", Role.SUPERVISOR)
    grants = signed_in({**environment, **CHINESE}, "s-2", Role.BOOKKEEPER)
    audits = signed_in(environment, "aud-1", Role.AUDITOR)
    asked = arrears(asks, *WRITE_OFF).stderr
    assert "Loan L-1 is written off" in asked
    assert "loan: L-1\n" in asked
    assert "sum that is written off: 1000.00 CNY" in asked, asked

    assert "No request waits." in arrears(audits, "request", "list").stdout
    own = arrears(asks, "request", "list").stdout
    assert "waits for a decision" in own
    listed = json.loads(arrears(asks, "request", "list", "--json").stdout)
    assert [(each["loan"], each["status"]) for each in listed] == [("L-1", "asked")]
    in_chinese = arrears(grants, "request", "list").stdout
    for seen in ("贷款L-1已核销", "贷款：L-1", "核销金额：1000.00 CNY", '原因："sold"', "待复核"):
        assert seen in in_chinese, in_chinese

    granted = arrears(grants, "request", "grant", "1").stdout
    assert "贷款L-1已核销" in granted
    assert book.one(second_person_request).decided_in == "zh"
    assert "granted: repeat the command now" in arrears(asks, "request", "list").stdout
    assert "s-2" not in arrears(asks, "explain", "L-1").stdout, "nothing was done yet"

    assert arrears(asks, *WRITE_OFF).returncode == 0
    assert "No request waits." in arrears(asks, "request", "list").stdout
    everything = arrears(audits, "request", "list", "--all").stdout
    assert "carried out" in everything
    assert "s-2" in everything
    told = arrears(audits, "explain", "L-1").stdout
    assert "s-1 asked that somebody else agree to events:write_off, and s-2 granted it." in told, (
        told
    )
    assert (
        "s-1申请由他人复核“核销”，s-2已批准。"
        in arrears(
            signed_in({**environment, **CHINESE}, "aud-1", Role.AUDITOR), "explain", "L-1"
        ).stdout
    )


def test_who_stands_in_is_named_in_both_languages(environment: dict[str, str], book: Book) -> None:
    asks = signed_in(environment, "s-1", Role.SUPERVISOR)
    arrears(asks, *WRITE_OFF)
    chinese = signed_in({**environment, **CHINESE}, "s-1", Role.SUPERVISOR)
    stood_in = arrears(chinese, "administrator", "stand-in", "1", "--why", "nobody is here")
    assert "核销金额：1000.00 CNY" in stood_in.stdout, stood_in
    assert arrears(asks, *WRITE_OFF).returncode == 0
    told = arrears(asks, "explain", "L-1").stdout
    assert "granted it without a second person." in told
    assert "代为批准。" in arrears(chinese, "explain", "L-1").stdout
    assert "申请1：贷款L-1已核销" in arrears(chinese, "check").stdout


def test_a_write_off_that_is_done_is_neither_granted_nor_asked_for(
    environment: dict[str, str], book: Book
) -> None:
    first, other, grants = (
        signed_in(environment, reference, Role.SUPERVISOR) for reference in ("s-1", "s-3", "s-2")
    )
    again = (*WRITE_OFF[:-1], "sold twice")
    for asks, command in ((first, WRITE_OFF), (other, again)):
        assert "needs a second person" in arrears(asks, *command).stderr
    shown = arrears(grants, "request", "list").stdout
    assert 'why: "sold"' in shown
    assert 'why: "sold twice"' in shown
    assert arrears(grants, "request", "grant", "1").returncode == 0
    assert arrears(first, *WRITE_OFF).returncode == 0

    late = arrears(grants, "request", "grant", "2")
    assert (late.returncode, "is done already" in late.stderr) == (2, True), late
    assert "needs a second person" not in arrears(other, *again).stderr
    assert [row.status for row in book.rows(second_person_request)] == ["done", "asked"]
