"""Loans under each law of limitation, and whether they may still be sued for."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from domain.compliance.gate import may_contact
from domain.compliance.verdict import Permission
from domain.compliance.vocabulary import Channel, Party
from domain.loans import Instalment
from tests.support.loans import Book
from workers.gate.facts import read_contact_facts

TRIED = ("remind", "enquire", "visit")
HOME = {
    "CN": "Asia/Shanghai",
    "US-MA": "America/New_York",
    "US-WA": "America/Los_Angeles",
    "GB": "Europe/London",
    "GB-SCT": "Europe/London",
    "IN": "Asia/Kolkata",
    "AU": "Australia/Brisbane",
    "AU-NSW": "Australia/Sydney",
    "AU-NT": "Australia/Darwin",
}
CURRENCY = {"CN": "CNY", "US": "USD", "GB": "GBP", "IN": "INR", "AU": "AUD"}


def lend(book: Book, law: str, *due_on: str, paid: Sequence[str] = ()) -> None:
    """L-1, with 100.00 due on each of these days; those in `paid` are paid."""
    country = law[:2]
    whole, nothing = Decimal(100), Decimal(0)
    book.loan(
        "L-1",
        instalments=[
            Instalment(
                date.fromisoformat(day), whole, paid_principal=whole if day in paid else nothing
            )
            for day in due_on
        ],
        jurisdiction=law,
        product="consumer_loan" if country == "CN" else "personal_loan",
        currency=CURRENCY[country],
        zones=(HOME[law],),
        locale="zh-Hans" if country == "CN" else "en",
        phone="+8613800138000",
        steps_tried=TRIED,
    )


def may(
    book: Book, on: str, channel: Channel = Channel.LEGAL, party: Party = Party.BORROWER
) -> Permission:
    """Whether L-1 may be sued for on a day, at noon where the lender is."""
    book.at(f"{on} 16:00")
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, book.ctx, "L-1", book.clock.at, party=party)
    return may_contact(facts, channel, book.clock.at).permission
