"""Who acts for a person, where they must not be called, and what they agreed to."""

import pytest
from sqlalchemy import Engine

from domain.compliance.gate import may_contact
from domain.compliance.verdict import EMPLOYER_FORBIDS, REPRESENTED, Permission
from domain.compliance.vocabulary import Channel
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.loans import Book
from workers.db.schema import person_fact
from workers.gate.facts import read_contact_facts
from workers.history import loan_history
from workers.inbox.apply import EventResult
from workers.inbox.submit import submit


@pytest.fixture
def book(engine: Engine) -> Book:
    """Eleven at night in Shanghai; L-1 and L-2 are one borrower's."""
    book = Book(engine, now="2026-03-02 23:00")
    book.loan("L-1", due_on="2026-03-01", borrower_id="B-1")
    book.loan("L-2", due_on="2026-03-01", borrower_id="B-1")
    return book


def tell(book: Book, kind: str = "person_fact", **payload: object) -> EventResult:
    data = {"borrower": "B-1", "actor": "c-1"} | payload
    return submit(book.ctx, f"{kind}:{book.clock.at}:{payload}", kind, data)


def asked(book: Book, loan_id: str = "L-1") -> tuple[Permission, tuple[str, ...]]:
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, book.ctx, loan_id, book.clock.at)
    verdict = may_contact(facts, Channel.CALL, book.clock.at)
    return verdict.permission, verdict.rules


def test_a_consent_to_other_hours_opens_the_night_until_it_ends_or_is_withdrawn(
    book: Book,
) -> None:
    assert asked(book) == (Permission.DEFERRED, ("cn.contact_hours",))

    tell(book, fact="agreed_other_hours", until="2026-03-04T00:00:00+08:00")
    assert asked(book)[0] is asked(book, "L-2")[0] is Permission.ALLOWED
    book.at("2026-03-04 00:30")
    assert asked(book)[0] is Permission.DEFERRED

    tell(book, fact="agreed_other_hours")
    assert asked(book)[0] is Permission.ALLOWED
    book.at("2026-03-04 00:31")
    tell(book, "person_fact_end", fact="agreed_other_hours")
    assert asked(book)[0] is Permission.DEFERRED
    assert len(book.rows(person_fact)) == 2, "a new consent takes the place of the one before"


def test_who_is_represented_is_not_contacted_about_the_debts_it_is_about(book: Book) -> None:
    book.at("2026-03-03 10:00")
    tell(book, fact="represented", loan="L-2")
    assert asked(book)[0] is Permission.ALLOWED
    assert asked(book, "L-2") == (Permission.DEFERRED, (REPRESENTED,))

    tell(book, fact="represented")
    assert asked(book) == (Permission.DEFERRED, (REPRESENTED,))


def test_an_employer_forbids_the_number_at_work_only(book: Book) -> None:
    book.at("2026-03-03 10:00")
    tell(book, fact="employer_forbids")
    assert asked(book)[0] is Permission.ALLOWED
    tell(book, "contact_change", phone_at_work=True)
    assert asked(book) == (Permission.DEFERRED, (EMPLOYER_FORBIDS,))


def test_what_is_not_known_waits_and_what_was_never_so_is_said(book: Book) -> None:
    assert tell(book, fact="represented", loan="L-404").status == "received"
    assert tell(book, borrower="B-404", fact="represented").status == "received"
    ended = tell(book, "person_fact_end", fact="represented")
    assert [reason.code for reason in ended.reason] == ["person_fact_not_known"]


def test_the_story_tells_it_and_a_person_records_it_at_the_command_line(
    book: Book, database_url: str, broker_url: str
) -> None:
    environment = an_environment(database_url, broker_url)
    given = ("person", "note", "B-1", "agreed_other_hours", "--until=2099-01-01")
    assert arrears(environment, *given).returncode == 0
    done = arrears(environment, "person", "end", "B-1", "agreed_other_hours", by="c-1")
    assert "they agreed to contact at other hours" in done.stdout

    with book.ctx.engine.connect() as connection:
        story = [sentence.text for sentence in loan_history(connection, book.ctx, "L-2")]
    assert any("Known of the borrower since then: they agreed" in line for line in story)
    assert any("No longer true of the borrower: they agreed" in line for line in story)


class TestTwoRecords:
    """L-3 is on another record, which is presumed to be the same person."""

    @pytest.fixture(autouse=True)
    def presumed(self, book: Book) -> None:
        book.loan("L-3", borrower_id="B-3", same_person_as="B-1")

    def decide(self, book: Book, status: str, other: str = "B-3") -> None:
        tell(book, "same_person", other=other, status=status, why="a test needs it")

    def test_a_consent_reaches_the_other_record_once_somebody_confirmed_it(
        self, book: Book
    ) -> None:
        tell(book, fact="agreed_other_hours")
        assert asked(book)[0] is Permission.ALLOWED
        assert asked(book, "L-3") == (Permission.DEFERRED, ("cn.contact_hours",))

        self.decide(book, "confirmed")
        assert asked(book, "L-3")[0] is Permission.ALLOWED
        self.decide(book, "parted")
        assert asked(book, "L-3")[0] is Permission.DEFERRED

    def test_what_is_confirmed_with_a_third_record_is_confirmed(self, book: Book) -> None:
        book.loan("L-4", borrower_id="B-4", same_person_as="B-1")
        tell(book, borrower="B-4", fact="agreed_other_hours")
        self.decide(book, "confirmed")
        assert asked(book, "L-1")[0] is asked(book, "L-3")[0] is Permission.DEFERRED
        self.decide(book, "confirmed", other="B-4")
        assert asked(book, "L-3")[0] is Permission.ALLOWED

    def test_who_is_represented_is_so_on_either_record(self, book: Book) -> None:
        book.at("2026-03-03 10:00")
        tell(book, fact="represented")
        assert asked(book, "L-3") == (Permission.DEFERRED, (REPRESENTED,))

    def test_nobody_ends_what_protects_somebody_who_is_only_presumed_to_be_the_person(
        self, book: Book
    ) -> None:
        book.at("2026-03-03 10:00")
        tell(book, fact="represented")
        ended = tell(book, "person_fact_end", borrower="B-3", fact="represented")
        assert [reason.code for reason in ended.reason] == ["person_fact_not_known"]
        assert asked(book, "L-3") == asked(book) == (Permission.DEFERRED, (REPRESENTED,))

        self.decide(book, "confirmed")
        book.at("2026-03-03 10:01")
        tell(book, "person_fact_end", borrower="B-3", fact="represented")
        assert asked(book)[0] is asked(book, "L-3")[0] is Permission.ALLOWED

    def test_a_consent_is_withdrawn_on_every_record(self, book: Book) -> None:
        tell(book, fact="agreed_other_hours")
        tell(book, "person_fact_end", borrower="B-3", fact="agreed_other_hours")
        assert asked(book)[0] is Permission.DEFERRED

    def test_a_new_consent_of_one_leaves_that_of_the_other(self, book: Book) -> None:
        tell(book, fact="agreed_other_hours")
        tell(book, borrower="B-3", fact="agreed_other_hours", until="2026-03-02T23:30:00+08:00")
        book.at("2026-03-02 23:45")
        assert asked(book)[0] is Permission.ALLOWED
        assert asked(book, "L-3")[0] is Permission.DEFERRED
