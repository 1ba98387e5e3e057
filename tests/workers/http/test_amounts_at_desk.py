"""At the desk nobody reads what a loan owes before the right person is confirmed to them.

It starts from the description: a path whose answer has amounts must stand in the table below.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, select, update

from domain.actors import Role
from domain.arrangements import RequestTerms
from domain.hidden_amounts import AMOUNTS, HIDDEN, without_amounts
from domain.language.speak import LANGUAGES
from domain.permissions import PERMISSIONS
from domain.reasons import ReasonCode, because
from tests.support.arrangements import ask, in_difficulty
from tests.support.desk import DESK, RIGHT, token_of
from tests.support.events import tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import Book, shipped_policy
from workers.calls.assign import assign_call
from workers.db.schema import access, call, reply, staff
from workers.http.app import create_desk
from workers.http.permission_of import AT_THE_DESK
from workers.sms.providers.port import InboundText

NAMES_OF_AMOUNTS = AMOUNTS - {"at_most", "least", "after", "before"} | {
    *("to_settle", "to_pay_before", "to_pay_after", "next_amount", "last_payment", "unpaid"),
    "a_month",
}
PLAN = {"instalments": 3}

Post = Callable[..., Response]


def sheet(post: Post, **_: str) -> Response:
    lease = post("/work/next", {}).json()["lease"]
    return post(f"/work/{lease}/sheet", {})


SHOWN_BY: dict[str, Callable[..., Response]] = {
    "POST /quotes": lambda post, **more: post("/quotes", {"loan": "L-1", **PLAN, **more}),
    "POST /arrangements/{arrangement}/offer": lambda post, **more: post(
        "/arrangements/AR-1/offer", {**PLAN, **more}
    ),
    "POST /work/{lease}/sheet": sheet,
}
"""Every path whose answer has amounts, and how it is called."""


SAID_BY_THE_PERSON = {"GET /disputes/{dispute}", "GET /complaints/{complaint}"}
"""Their amount is what the person disputes, and no collector may call them."""


def properties(described: dict[str, Any], schema: Any, seen: set[str]) -> set[str]:
    """The names of all members of a schema, and of what it is made of."""
    if isinstance(schema, list):
        return set().union(*(properties(described, each, seen) for each in schema), set())
    if not isinstance(schema, dict):
        return set()
    if (ref := schema.get("$ref")) is not None:
        if ref in seen:
            return set()
        named = described["components"]["schemas"][ref.rsplit("/", 1)[1]]
        return properties(described, named, seen | {ref})
    names = set(schema.get("properties", ()))
    return names.union(*(properties(described, each, seen) for each in schema.values()), set())


def test_every_path_with_amounts_in_its_answer_stands_in_the_table(book: Book) -> None:
    described = create_desk(book.ctx).openapi()
    found = set()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            answers = [
                answer.get("content", {}).get("application/json", {}).get("schema")
                for status, answer in operation["responses"].items()
                if status.startswith("2")
            ]
            if properties(described, answers, set()) & NAMES_OF_AMOUNTS:
                found.add(f"{method.upper()} {path.removeprefix(DESK)}")
    assert found == set(SHOWN_BY) | SAID_BY_THE_PERSON
    for path in SAID_BY_THE_PERSON:
        method, short = path.split()
        holders = PERMISSIONS[AT_THE_DESK[f"{method} {DESK}{short}"]]
        assert Role.CALLER not in holders.roles


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 owes 920, which is past due. c-1 has the call; she asks for a plan."""
    policy = shipped_policy()
    terms = tuple(replace(each, requests=RequestTerms()) for each in policy.arrangements)
    book = in_difficulty(engine, replace(policy, arrangements=terms))  # a request pauses nothing
    for reference in ("c-1", "c-2"):
        book.staff(reference, "caller", shift=("2026-03-11 08:00", "2026-03-11 20:00"))
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"
    with book.ctx.engine.begin() as connection:  # c-1 has it
        first = select(staff.c.id).where(staff.c.external_id == "c-1").scalar_subquery()
        connection.execute(update(call).values(staff_id=first))
    return book


def poster(book: Book, client: TestClient, reference: str, *roles: Role) -> Post:
    token = token_of(book.ctx.engine, reference, *roles)

    def post(path: str, said: dict[str, Any]) -> Response:
        return client.post(DESK + path, json=said, headers=token)

    return post


def test_who_sees_what_is_owed_and_from_when(book: Book) -> None:
    """No collector before the answers are right, not even whose call it is; then she alone, all
    day. A supervisor for a purpose, which is on record. What is refused says no amounts either."""
    too_little = {"promise": "p-1", "loan": "L-1", "amount": "1.00", "currency": "CNY"}
    too_little |= {"due_on": "2026-03-12"}
    token = token_of(book.ctx.engine, "c-1", Role.CALLER)
    with TestClient(create_desk(book.ctx)) as client:
        post = poster(book, client, "c-1", Role.CALLER)
        lease = post("/work/next", {}).json()["lease"]
        post("/calls", {"loan": "L-1", "attempt": "a-1"})
        ask(book)

        def answers(post: Post, **more: str) -> dict[str, Response]:
            return {path: call(post, **more) for path, call in SHOWN_BY.items()}

        for path, answer in answers(post).items():
            assert answer.status_code == (200 if "sheet" in path else 403), (path, answer.json())
            assert not re.search(r"920|1840|\d\.\d\d", answer.text), path
        barely = {**too_little, "amount": "100.00"}
        for promised in (too_little, barely):
            refused = post("/promises", promised).json()
            assert refused["reason"][0]["code"] == "nobody_confirmed_today"

        assert post("/calls/a-1/right-party", RIGHT).json()["confirmed"]
        assert "920.00" in post("/promises", too_little).json()["detail"]
        # She was confirmed, and her guarantor was not: his word is not hers to give.
        book.loan("own", due_on="2027-01-04", borrower_id="G-1", phone="+8613900139001")
        party = {"loan": "L-1", "borrower": "G-1", "role": "guarantor", "actor": "s-1"}
        assert tell(book, "loan_party", **party).status == "applied"
        his = post("/promises", {**barely, "promise": "p-2", "borrower": "G-1"})
        assert his.json()["reason"][0]["code"] == "somebody_else_confirmed"
        asked = post("/promises", barely)
        assert asked.status_code == 403, "a supervisor has to agree"
        assert "276.00" in asked.json()["detail"], "and what would be taken is said in full"
        waiting = client.get(f"{DESK}/requests", headers=token).json()["rows"]
        assert not re.search(r"920|276", str(waiting))
        for path, answer in answers(post).items():
            assert answer.status_code == 200, (path, answer.json())
            assert re.search(r"\d\.\d\d", answer.text), path
        assert lease

        colleague = poster(book, client, "c-2", Role.CALLER)
        supervisor = poster(book, client, "s-1", Role.SUPERVISOR)
        for path in ("POST /quotes", "POST /arrangements/{arrangement}/offer"):
            assert SHOWN_BY[path](colleague, purpose="I wonder").status_code == 403
            assert SHOWN_BY[path](supervisor).status_code == 403
            assert SHOWN_BY[path](supervisor, purpose="a complaint").status_code == 200
    looks = book.rows(select(access).where(access.c.what == "amounts"))
    assert [(look.actor, look.purpose_id is not None) for look in looks] == [("s-1", True)] * 2


def test_who_takes_a_call_of_the_person_sees_it_after_the_check(book: Book) -> None:
    """She calls in: the contact is recorded, her answers are checked, and then a quote is shown."""
    came = {"contact": "in-1", "loan": "L-1", "channel": "call", "outcome": "spoke"}
    came |= {"at": "2026-03-11T09:58:00+08:00"}
    with TestClient(create_desk(book.ctx)) as client:
        post = poster(book, client, "c-2", Role.CALLER)
        assert post("/inbound-contacts", came).status_code == 200
        assert SHOWN_BY["POST /quotes"](post).status_code == 403
        assert post("/calls/in-1/right-party", RIGHT).json()["confirmed"]
        assert SHOWN_BY["POST /quotes"](post).status_code == 200

        # The person complains of her: she does nothing more for them. A colleague does.
        ask(book)
        text = InboundText("fake", "SM-1", book.numbers()[0], "keep c-2 away", None)
        record_inbound_text(book.ctx, text, help_is_answered=False)
        complains = {"complaint": "C-1", "loan": "L-1", "kind": "conduct", "why": "was rude"}
        tell(book, "complaint", **complains, about_staff="c-2", actor="s-1")
        text_id = book.one(reply).id
        pays = {"promise": "p-1", "loan": "L-1", "amount": "600.00", "currency": "CNY"}
        work = [
            SHOWN_BY["POST /quotes"](post),
            SHOWN_BY["POST /arrangements/{arrangement}/offer"](post),
            post("/arrangements/AR-1/decline", {"refusal": "said_no"}),
            post("/arrangements/withdrawals", {"arrangement": "AR-1"}),
            post("/promises", {**pays, "due_on": "2026-03-13"}),
            post("/inbound-contacts", {**came, "contact": "in-2"}),
            post("/calls/in-1/right-party", RIGHT),
            post(f"/replies/{text_id}/open", {}),
            post("/replies/readings", {"reply": text_id, "meaning": "harmless"}),
        ]
        for answer in work:
            assert (answer.status_code, answer.json()["reason"][0]["code"]) == (
                409,
                "staff_must_not_handle",
            )
        colleague = poster(book, client, "c-1", Role.CALLER)
        assert colleague(f"/replies/{text_id}/open", {}).status_code == 200

        # She writes. Nobody can be asked in a letter: a request rests on the paper, and a promise,
        # which may cost her a limitation period, is recorded by a supervisor.
        wrote = {**came, "contact": "in-3", "channel": "letter", "recording": "MAIL-1"}
        asks = {**wrote, "outcome": "asks_deferral"}
        promises = {**wrote, "contact": "in-4", "outcome": "promised"}
        promises |= {"promised": {"amount": "600.00", "currency": "CNY", "due_on": "2026-03-13"}}
        assert colleague("/inbound-contacts", asks).status_code == 200
        assert colleague("/calls/in-3/right-party", RIGHT).status_code == 404
        wish = {"fact": "language", "locale": "ug-CN"}
        refused = colleague("/inbound-contacts", {**promises, "said": [wish]})
        codes = [reason["code"] for reason in refused.json()["reason"]]
        assert codes == ["nobody_confirmed_today", "wishes_not_kept"], "what she wishes is not lost"
        supervisor = poster(book, client, "s-1", Role.SUPERVISOR)
        assert supervisor("/inbound-contacts", promises).status_code == 200


def test_every_sentence_with_an_amount_is_known_as_one() -> None:
    """What stands before a currency in a sentence is an amount: a new one is hidden too."""
    english = LANGUAGES["en"].templates
    codes = {str(code) for code in ReasonCode}
    named = {
        name
        for code, template in english.items()
        if code in codes
        for name in re.findall(r"\{(\w+)\} \{(?:loan_)?currency\}", template)
    }
    assert named <= AMOUNTS
    hidden = without_amounts(because(ReasonCode.PROMISE_TOO_SMALL, amount="300.00", past_due="1"))
    assert set(hidden[0].params.values()) == {HIDDEN}
