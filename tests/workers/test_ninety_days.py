"""One loan's ninety days on the real store, from the first text to the legal file.

Every morning the scan runs and workers take up what is due — but for one day on which nothing ran,
and with a part payment on the way. The diary is what the database says happened.
"""

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import Engine, select

from domain.actions import ACTION_TYPES
from tests.support.loans import Book
from workers.actions.dispatch import dispatch_due_actions
from workers.actions.run import use_case
from workers.db.schema import action, call, decision, legal_file, legal_file_need, visit
from workers.escalation.scan import Envelope, scan_portfolio
from workers.payments.payments import Payment, record_payment
from workers.simulator.demo.integrity import count_duplicates, count_unexplained

DUE_ON = date(2026, 3, 1)
NOTHING_RAN_ON = date(2026, 3, 8)
PAID_ON = date(2026, 3, 20)


def test_from_the_first_text_to_the_legal_file(engine: Engine) -> None:
    book = Book(engine)
    book.loan("L-1", due_on=str(DUE_ON), amount="1000")
    for name in ("caller-1", "visitor-1", "visitor-2"):
        staff_id = book.staff(name, "caller" if "caller" in name else "visitor")
        for day in days():
            book.shift(staff_id, f"{day} 08:00", f"{day} 20:00")

    for day in days():
        book.at(f"{day} 10:00")
        if day == PAID_ON:
            pay(book, "400")
        if day != NOTHING_RAN_ON:
            run_the_day(book)

    assert diary(book) == {
        1: ["friendly_call", "text_day_1"],
        3: ["text_day_3"],
        8: ["enquiry_call"],  # day 7 was missed: the call is a day late, and nothing is lost
        30: ["legal_notice"],
        33: ["field_visit"],  # the day for which its notice announced it
        60: ["legal_file"],
    }
    assert set(book.actions("L-1").values()) == {"done"}
    file = book.one(legal_file)
    assert (file.principal, file.interest, file.fees) == (600, 0, 0), "less what was paid"
    assert book.one(visit).starts_at.date() > date(2026, 3, 31), "with notice"
    missing = select(legal_file_need.c.need).where(legal_file_need.c.met_by.is_(None))
    assert len(book.rows(missing)) > 0, "what a person must still attach"
    looks = book.rows(select(decision.c.days_past_due).order_by(decision.c.id))
    after_a_talk = [2, 9, 34]
    expected = sorted([1, 3, 4, 8, 19, 30, 60, *after_a_talk])
    assert [days for (days,) in looks] == expected, "and on no other day"
    with engine.connect() as connection:
        assert count_unexplained(connection, book.ctx) == 0
        assert count_duplicates(connection) == 0


def days() -> list[date]:
    return [DUE_ON + timedelta(days=n) for n in range(91)]


def run_the_day(book: Book) -> None:
    """The scan, the escalation it asks for, and every worker, once in the morning."""
    announced: list[Envelope] = []
    scan_portfolio(book.ctx, announced.extend)
    for _ in announced:
        book.escalate("L-1")
    if book.actions("L-1").get("legal_file") == "awaiting_approval":
        book.approve("L-1", "legal_file")
    for work in ACTION_TYPES.values():
        due: list[int] = []
        dispatch_due_actions(book.ctx, work, due.extend, waiting=0)
        for action_id in due:
            use_case(work)(book.ctx, action_id)
    if book.rows(select(call).join(action).where(action.c.status == "assigned")):
        book.called("L-1", actor="caller-1")
    begins = book.rows(select(visit.c.starts_at).where(visit.c.started_at.is_(None)))
    if begins and begins[0].starts_at.astimezone(book.zone).date() == book.clock.at.date():
        book.visited("L-1", actor="visitor-1")


def pay(book: Book, amount: str) -> None:
    paid = Payment("P-1", "L-1", Decimal(amount), "CNY", book.ctx.today())
    with book.ctx.engine.begin() as connection:
        record_payment(connection, book.ctx, paid)


def diary(book: Book) -> dict[int, list[str]]:
    """What was done on which day past due."""
    done: dict[int, list[str]] = {}
    for row in book.rows(select(action).order_by(action.c.item)):
        on = row.changed_at.astimezone(book.zone).date()
        done.setdefault((on - DUE_ON).days, []).append(row.item)
    return done
