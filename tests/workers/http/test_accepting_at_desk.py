"""What becomes binding is what the borrower themselves heard and accepted."""

from typing import Any

from sqlalchemy import Engine

from domain.actors import Role
from tests.support.arrangements import ask, in_difficulty, offer, status
from tests.support.desk import RIGHT, at_desk, token_of
from tests.support.events import tell
from workers.history import loan_history

_ACCEPTED = {
    "arrangement": "AR-1",
    "loan": "L-1",
    "accepted_on": "2026-03-11",
    "proof": "recording",
    "proof_reference": "REC-1",
}


def test_the_borrower_accepts_and_nobody_for_them_nor_what_they_never_heard(engine: Engine) -> None:
    book = in_difficulty(engine)
    book.loan("L-9", due_on="2027-01-04", borrower_id="G-1", phone="+8613900139001")
    party = {"loan": "L-1", "borrower": "G-1", "role": "guarantor", "actor": "sup-1"}
    assert tell(book, "loan_party", **party).status == "applied"
    book.staff("c-9", Role.CALLER)
    token = token_of(engine, "c-9", Role.CALLER)
    ask(book)
    offer(book)

    def code(path: str, said: dict[str, Any]) -> str:
        answer = at_desk(book, token, path, said)
        return "" if answer.status_code == 200 else str(answer.json()["reason"][0]["code"])

    def confirmed(contact: str, **more: str) -> None:
        came = {"contact": contact, "loan": "L-1", "channel": "call", "outcome": "spoke"}
        came |= {"at": "2026-03-11T09:50:00+08:00", **more}
        assert code("/inbound-contacts", came) == ""
        assert code(f"/calls/{contact}/right-party", RIGHT) == ""

    # Who spoke with nobody takes nothing back, and declines nothing that is a colleague's.
    pays = {"promise": "P-1", "loan": "L-1", "amount": "600.00", "currency": "CNY"}
    supervisor = token_of(engine, "sup-1", Role.SUPERVISOR)
    promised = at_desk(book, supervisor, "/promises", {**pays, "due_on": "2026-03-13"})
    assert promised.status_code == 200, promised.json()
    withdrawn: dict[str, Any] = {"promise": "P-1"}
    for path, said in (
        ("/promises/withdrawals", withdrawn),
        ("/promises/withdrawals", {**withdrawn, "was_made": False}),
        ("/arrangements/withdrawals", {"arrangement": "AR-1"}),
        ("/arrangements/AR-1/decline", {"refusal": "said_no"}),
        ("/arrangements/AR-1/decline", {"refusal": "not_eligible"}),
    ):
        assert code(path, said) == "ended_by_nobody_confirmed", path

    confirmed("IN-1", borrower="G-1")
    assert code("/arrangements/acceptances", _ACCEPTED) == "accepted_by_nobody_confirmed"
    confirmed("IN-2")
    assert code("/promises/withdrawals", withdrawn) == ""

    # She reads out an offer of three instalments. Meanwhile the supervisor offers two.
    anew = {"instalments": 2, "purpose": "a review"}
    assert at_desk(book, supervisor, "/arrangements/AR-1/offer", anew).json()["offer"] == 2
    assert code("/arrangements/acceptances", _ACCEPTED) == "offer_not_named"
    assert code("/arrangements/acceptances", {**_ACCEPTED, "offer": 1}) == "offer_not_newest"
    assert code("/arrangements/acceptances", {**_ACCEPTED, "offer": 2}) == ""
    assert status(book) == "accepted"
    with book.ctx.engine.connect() as connection:
        story = " ".join(each.text for each in loan_history(connection, book.ctx, "L-1"))
    assert "It is offer 2, and took the place of those before." in story
