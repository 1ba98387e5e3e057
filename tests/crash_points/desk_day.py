"""A day at the desk on which everything that can be said there is said, and the book for it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, insert, select, update

from domain.actors import Actor, Role
from domain.inbound_texts import ReplyKind
from domain.loans import Instalment
from tests.crash_points.desk_calls import Desk
from tests.support.acting import acting
from tests.support.desk import token_of
from tests.support.events import tell
from tests.support.loans import NAME, Book
from tests.support.rosters import rostered
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.places import place_of_reply
from workers.db.schema import loan, reply, visit
from workers.inbox.submit import submit
from workers.visits.schedule import schedule_visit

ZONE = "Asia/Shanghai"

TO_CALL = ("L-call-1", "L-call-2")
TO_VISIT, TO_VISIT_LATER = "L-visit", "L-visit-later"
TO_SUE, NOT_TO_SUE = "L-legal", "L-no-legal"
IN_DIFFICULTY = ("L-plan-1", "L-plan-2", "L-plan-3")
HEARD = "L-heard"
"""The call about it was recorded yesterday."""
OTHERS = ("L-disputed", "L-complaint", "L-inbound", "L-held", "L-reply")

PEOPLE = {
    **dict.fromkeys(("c-1", "c-2", "c-3", "c-4"), Role.CALLER),
    **dict.fromkeys(("v-1", "v-2"), Role.VISITOR),
    **dict.fromkeys(("s-1", "s-2"), Role.SUPERVISOR),
}


def write_book(engine: Engine) -> Book:
    """The loans and the people. It is the hour of the visit."""
    book = Book(engine, now="2026-04-02 10:00", zone=ZONE)
    staff = {who: book.staff(who, role) for who, role in PEOPLE.items()}
    for who, role in PEOPLE.items():
        token_of(engine, who, role)
    for loan_ in (TO_VISIT, TO_VISIT_LATER, TO_SUE, NOT_TO_SUE, *TO_CALL, HEARD, *OTHERS):
        legal = loan_ in (TO_SUE, NOT_TO_SUE)
        _loan(book, loan_, steps_tried=("remind", "enquire", "visit") if legal else ())
    for loan_ in IN_DIFFICULTY:
        _in_difficulty(book, loan_)
    book.escalate(TO_VISIT)
    assert schedule_visit(book.ctx, book.action_id(TO_VISIT, "field_visit")) == "scheduled"
    book.noticed(TO_VISIT)
    _call_of_yesterday(book, staff["c-1"])
    starts_at = book.one(select(visit.c.starts_at)).starts_at.astimezone(book.zone)
    book.clock.at = starts_at
    book.shift(staff["c-1"], f"{starts_at:%Y-%m-%d} 08:00", f"{starts_at:%Y-%m-%d} 20:00")
    book.escalate(TO_VISIT_LATER, TO_SUE, NOT_TO_SUE, *TO_CALL)
    later = book.action_id(TO_VISIT_LATER, "field_visit")
    assert schedule_visit(book.ctx, later) == "scheduled"
    for called in TO_CALL:
        assert assign_call(book.ctx, book.action_id(called, "friendly_call")) == "assigned"
    book.shift(staff["c-2"], f"{starts_at:%Y-%m-%d} 08:00", f"{starts_at:%Y-%m-%d} 20:00")
    _write_back(book, "L-reply")
    return book


_DUE = {
    **dict.fromkeys((TO_VISIT, TO_VISIT_LATER), "2026-03-01"),
    **dict.fromkeys((TO_SUE, NOT_TO_SUE), "2026-02-01"),
    **dict.fromkeys(TO_CALL, "2026-04-02"),
}


def _loan(book: Book, external_id: str, *, steps_tried: tuple[str, ...] = ()) -> None:
    """Each has a borrower with a number of their own, and another one."""
    of = len(book.rows(loan))
    book.loan(
        external_id,
        due_on=_DUE.get(external_id, "2026-04-01"),
        phone=f"+86138001380{of:02}",
        more_phones=(f"+86138001381{of:02}",),
        steps_tried=steps_tried,
    )


def _in_difficulty(book: Book, external_id: str) -> None:
    """The instalment of this month is not paid."""
    due = [Instalment(date(2026, month, 1), Decimal(900), Decimal(20)) for month in range(2, 8)]
    of = len(book.rows(loan))
    book.loan(external_id, instalments=due, phone=f"+86138001380{of:02}")
    paid = {"loan": external_id, "amount": "1840", "currency": "CNY", "paid_on": "2026-03-01"}
    tell(book, "payment", external_id=f"P-{external_id}", **paid)
    values = {"annual_rate_percent": Decimal("14.6"), "disbursed_on": date(2025, 12, 1)}
    with book.ctx.engine.begin() as connection:
        connection.execute(update(loan).where(loan.c.external_id == external_id).values(values))


def _call_of_yesterday(book: Book, staff_id: int) -> None:
    day = f"{book.ctx.today()}"
    book.shift(staff_id, f"{day} 08:00", f"{day} 20:00")
    rostered(book, f"{day} 00:00", {"c-1": "north"})
    book.escalate(HEARD)
    assert assign_call(book.ctx, book.action_id(HEARD, "friendly_call")) == "assigned"
    started = start_call(acting(book.ctx, Actor("c-1")), HEARD, attempt="heard")
    came = {"outcome": "spoke", "reason": "forgot", "recording": "REC-1", "actor": "c-1"}
    reported = submit(book.ctx, "heard", "contact_outcome", {"attempt": started.attempt, **came})
    assert reported.status == "applied"


def _write_back(book: Book, external_id: str) -> None:
    of_borrower = select(loan.c.borrower_id).where(loan.c.external_id == external_id)
    sid = f"SM{1:032x}"
    written = {
        "borrower_id": of_borrower.scalar_subquery(),
        "loan_id": book.loan_id(external_id),
        "provider": "twilio",
        "sid": sid,
        "kind": ReplyKind.OTHER,
        "to_read": True,
        "body_encrypted": book.ctx.cipher.encrypt("Thanks.", place_of_reply("twilio", sid)),
        "received_at": book.clock.at,
    }
    with book.ctx.engine.begin() as connection:
        connection.execute(insert(reply).values(written))


def a_day(desk: Desk, today: date) -> None:
    """What is said at the desk, in order."""
    _call_and_promise(desk, today)
    _take_work_over(desk)
    _visit(desk)
    _decide_about_suing(desk)
    _handle(desk, "dispute", "/disputes", {"kind": "already_paid"}, today)
    _handle(desk, "complaint", "/complaints", {"kind": "product"}, today)
    _arrange(desk, today)
    _take_what_comes_in(desk, today)
    _judge_a_call(desk, today - timedelta(days=1))
    _note_who_works(desk, today)


def _call_and_promise(desk: Desk, today: date) -> None:
    work = desk.post("c-1", "/work/next", {})
    lease, owed = work["lease"], work["loan"]
    desk.post("c-1", "/work/{lease}/heartbeat", {}, lease=lease)
    desk.post("c-1", "/calls", {"loan": owed, "attempt": "a-1"})
    # From here on the sheet shows the name.
    desk.post("c-1", "/work/{lease}/sheet", {}, lease=lease)
    right = {"answers": {"name": NAME, "address_numbers": "1"}}
    desk.post("c-1", "/calls/{attempt}/right-party", right, attempt="a-1")
    promised = {"promise": "p-1", "loan": owed, "amount": "1000.00", "currency": "CNY"}
    desk.post("c-1", "/promises", {**promised, "due_on": f"{today + timedelta(days=3)}"})
    spoke = {"attempt": "a-1", "outcome": "spoke", "reason": "forgot", "recording": "REC-2"}
    desk.post("c-1", "/outcomes", spoke)
    desk.post("c-1", "/promises/withdrawals", {"promise": "p-1", "was_made": True})


def _take_work_over(desk: Desk) -> None:
    lease = desk.post("c-1", "/work/next", {})["lease"]
    taken = {"why": "she is ill", "to": "c-2"}
    # What is said twice to somebody who has it already is refused.
    desk.post("s-1", "/work/{lease}/take-over", taken, lease=lease, again=409)
    lease = desk.post("c-2", "/work/next", {})["lease"]
    desk.post("c-2", "/work/{lease}/release", {}, lease=lease, again=409)


def _visit(desk: Desk) -> None:
    begun = desk.post("v-1", "/visits", {"loan": TO_VISIT})
    right = {"answers": {"name": NAME, "other_number": "8100"}}
    desk.post("v-1", "/visits/{attempt}/right-party", right, attempt=begun["attempt"])
    desk.post("s-1", "/letters/open", {"loan": TO_VISIT_LATER})
    desk.post("s-1", "/letters/returned", {"loan": TO_VISIT_LATER})


def _decide_about_suing(desk: Desk) -> None:
    file = {"loan": TO_SUE, "item": "legal_file"}
    desk.post("s-1", "/approvals/grant", file, answers=403)
    _decide(desk, "grant")
    desk.post("s-1", "/approvals/grant", file, again=404)
    other = {"loan": NOT_TO_SUE, "item": "legal_file"}
    desk.post("s-1", "/approvals/grant", other, answers=403)
    _decide(desk, "refuse")
    desk.post("s-1", "/approvals/reject", {**other, "why": "it is paid"}, again=404)


def _decide(desk: Desk, how: str) -> None:
    """The second person decides about what waits."""
    waiting = desk.get("s-2", "/requests")["rows"]
    (waits,) = (each for each in waiting if each["status"] == "asked")
    number = waits["request"]
    desk.post("s-2", f"/requests/{{number}}/{how}", {}, number=number, again=409)


def _handle(desk: Desk, matter: str, path: str, right: dict[str, str], today: date) -> None:
    said = {"loan": "L-disputed", "kind": "amount", "starts_on": f"{today}"}
    if matter == "complaint":
        said = {"loan": "L-complaint", "kind": "fees"}
    desk.post("c-1", path, {matter: "m-1", "why": "too much", **said})
    one = f"{path}/{{{matter}}}"
    of: dict[str, Any] = {matter: "m-1"}
    desk.post("s-1", f"{one}/acknowledge", {}, **of)
    desk.post("s-1", f"{one}/take", {}, **of)
    desk.post("s-1", f"{one}/correction", {**right, "why": "as she says"}, **of)
    longer = {"why": "the bank has not answered"}
    desk.post("s-1", f"{one}/extend", longer, **of, answers=403)
    _decide(desk, "grant")
    desk.post("s-1", f"{one}/extend", longer, **of)
    decided = {matter: "m-1", "outcome": "rejected", "finding": "no_proof"}
    desk.post("s-1", f"{path}/resolutions", decided)
    desk.post("s-1", f"{one}/letter", {}, **of)


def _arrange(desk: Desk, today: date) -> None:
    why = {"purpose": "she wrote a letter"}
    accepted = IN_DIFFICULTY[0]
    desk.post("s-1", "/quotes", {"loan": accepted, "instalments": 3, **why})
    for number, owed in enumerate(IN_DIFFICULTY, start=1):
        asked = {"arrangement": f"ar-{number}", "loan": owed, "asked_by": "letter"}
        desk.post("s-1", "/arrangements", {**asked, "instalments": 3})
    desk.post("s-1", "/arrangements/{arrangement}/offer", why, arrangement="ar-1")
    proof = {"accepted_on": f"{today}", "proof": "recording", "proof_reference": "REC-3"}
    said = {"arrangement": "ar-1", "loan": accepted, **proof}
    desk.post("s-1", "/arrangements/acceptances", said)
    refusal = {"refusal": "other", "why": "another bank owns it"}
    desk.post("s-1", "/arrangements/{arrangement}/decline", refusal, arrangement="ar-2")
    desk.post("s-1", "/arrangements/withdrawals", {"arrangement": "ar-3"})


def _take_what_comes_in(desk: Desk, today: date) -> None:
    came = {"contact": "in-1", "loan": "L-inbound", "channel": "call", "outcome": "says_paid"}
    came |= {"why": "at the counter", "at": f"{today}T00:00:01+08:00"}
    desk.post("c-1", "/inbound-contacts", came)
    (duty,) = desk.get("s-1", "/duties?loan=L-inbound")["rows"]
    desk.post("s-1", "/duties/{duty}/done", {}, duty=duty["id"], again=409)
    held = {"hold": "h-1", "loan": "L-held", "kind": "vulnerability", "why": "ill"}
    ends_on = today + timedelta(days=7)
    desk.post("s-1", "/holds", {**held, "starts_on": f"{today}", "ends_on": f"{ends_on}"})
    desk.post("s-1", "/holds/releases", {"hold": "h-1", "ends_on": f"{today}"})
    (waits,) = desk.get("s-1", "/worklist?kind=replies")["replies"]["rows"]
    number = waits["reply"]
    desk.post("s-1", "/replies/{reply}/open", {}, reply=number)
    desk.post("s-1", "/replies/readings", {"reply": number, "meaning": "harmless"})


def _judge_a_call(desk: Desk, day: date) -> None:
    drawn = {"sheet": "calls_cn", "first": f"{day}", "last": f"{day}"}
    (pick,) = desk.post("s-1", "/quality/samples", drawn)["picks"]
    sheets = desk.get("s-1", "/quality/sheets")
    (sheet,) = (each for each in sheets if each["sheet"] == "calls_cn")
    marks = {item["item"]: "pass" for item in sheet["items"]}
    judged = {"attempt": pick["attempt"], "sheet": "calls_cn", "marks": marks}
    desk.post("s-1", "/quality/reviews", judged, again=409)


def _note_who_works(desk: Desk, today: date) -> None:
    at = f"{today}T00:00:01+08:00"
    desk.post("s-1", "/staff/absences", {"staff": "c-3", "kind": "illness", "at": at})
    desk.post("s-1", "/staff/returns", {"staff": "c-3"}, again=409)
    desk.post("s-1", "/staff/departures", {"staff": "c-4", "at": at})
