"""The desk: an arrangement, from the question what it would cost to the lender's ledger."""

import pytest
from sqlalchemy import Engine

from domain.actors import Role
from tests.support.arrangements import in_difficulty
from tests.support.desk import a_call_to_make, at_desk, token_of
from tests.support.inbound import record_inbound_text
from tests.support.loans import Book
from workers.db.schema import arrangement, reply
from workers.sms.providers.port import InboundText

Token = dict[str, str]


@pytest.fixture
def book(engine: Engine) -> Book:
    return a_call_to_make(engine)


@pytest.fixture
def token(book: Book) -> Token:
    return token_of(book.ctx.engine, "c-1", Role.CALLER)


def test_a_plan_is_quoted_asked_for_offered_and_accepted(engine: Engine) -> None:
    """From the question what it would cost to the proposal to the lender's ledger."""
    book = in_difficulty(engine)
    book.staff("c-1", "caller", shift=("2026-03-11 08:00", "2026-03-11 20:00"))
    token = token_of(engine, "c-1", Role.CALLER)
    supervisor, why = token_of(engine, "s-1", Role.SUPERVISOR), {"purpose": "a letter of hers"}
    quote = at_desk(book, supervisor, "/quotes", {"loan": "L-1", "instalments": 3, **why})
    assert quote.status_code == 200, quote.json()
    asked = {"arrangement": "a-1", "loan": "L-1", "asked_by": "form", "instalments": 3}
    assert at_desk(book, token, "/arrangements", asked).status_code == 200
    (waits,) = at_desk(book, token, "/arrangements").json()["rows"]
    assert (waits["arrangement"], waits["answer_by"], waits["late"]) == ("a-1", "2026-03-18", False)
    offer = at_desk(book, supervisor, "/arrangements/a-1/offer", why)
    assert offer.json() == {**quote.json(), "offer": 1, "known": False}
    again = at_desk(book, supervisor, "/arrangements/a-1/offer", why)
    assert again.json() == {**quote.json(), "offer": 1, "known": True}
    accepted = {
        "arrangement": "a-1",
        "loan": "L-1",
        "accepted_on": book.ctx.today().isoformat(),
        "proof": "recording",
        "proof_reference": "rec-1",
    }

    def answered(who: Token, **more: str) -> str:
        answer = at_desk(book, who, "/arrangements/acceptances", accepted | more)
        assert answer.status_code in (200, 409), answer.json()
        return str(answer.json()["reason"][0]["code"])

    # To her nobody was confirmed. What the borrower wrote she has read.
    assert answered(token) == "accepted_by_nobody_confirmed"
    written = InboundText("fake", "SM-1", book.numbers()[0], "yes to the plan", None)
    record_inbound_text(book.ctx, written, help_is_answered=False)
    by_text = {"proof": "text", "proof_reference": str(book.one(reply).id)}
    assert answered(token, **by_text) == "accepted_by_nobody_confirmed"
    read = {"reply": book.one(reply).id, "meaning": "harmless"}
    unread = at_desk(book, token, "/replies/readings", read)
    assert (unread.status_code, unread.json()["reason"][0]["code"]) == (409, "reply_not_opened")
    assert at_desk(book, token, f"/replies/{read['reply']}/open", {}).status_code == 200
    assert at_desk(book, token, "/replies/readings", read).status_code == 200
    assert answered(token, **by_text, accepted_on="2026-03-12") == "accepted_on_day_to_come"
    assert answered(token, **by_text) == "arrangement_accepted"
    assert answered(supervisor) == "accepted_with_other_proof"
    assert book.one(arrangement).status == "accepted"
    withdrawn = at_desk(book, token, "/arrangements/withdrawals", {"arrangement": "a-1"})
    assert withdrawn.status_code == 403, "a supervisor must agree"


def test_what_cannot_be_offered_says_every_reason(book: Book) -> None:
    token = token_of(book.ctx.engine, "s-1", Role.SUPERVISOR)
    asked = {"instalments": 300, "purpose": "she wrote a letter"}
    answer = at_desk(book, token, "/quotes", {"loan": "L-1", **asked})
    assert answer.status_code == 409
    assert answer.json()["reason"]
    assert at_desk(book, token, "/quotes", {"loan": "L-9", **asked}).status_code == 404


def test_a_request_is_declined_with_the_reason(book: Book, token: Token) -> None:
    asked = {"arrangement": "a-1", "loan": "L-1", "asked_by": "letter", "instalments": 3}
    assert at_desk(book, token, "/arrangements", asked).status_code == 200
    assert at_desk(book, token, "/arrangements/a-1/decline", {}).status_code == 422
    unsaid = at_desk(book, token, "/arrangements/a-1/decline", {"refusal": "other"})
    assert (unsaid.status_code, unsaid.json()["reason"][0]["code"]) == (409, "refusal_needs_why")
    said = {"refusal": "proof_missing"}
    declined = at_desk(book, token, "/arrangements/a-1/decline", said, accept_language="zh")
    assert declined.status_code == 200, declined.json()
    assert not declined.json()["sentence"].isascii()
    again = at_desk(book, token, "/arrangements/a-1/decline", said)
    assert (declined.json()["known"], again.json()["known"]) == (False, True)
    for other in ({"refusal": "not_eligible"}, {**said, "why": "no payslip"}):
        refused = at_desk(book, token, "/arrangements/a-1/decline", other)
        assert refused.json()["reason"][0]["code"] == "declined_for_another_reason"
    assert book.one(arrangement).refusal == "proof_missing"
