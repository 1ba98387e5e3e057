"""A customer id that a tape gives to somebody else."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from domain.actors import Actor
from domain.persons import PersonFact
from domain.reasons import ReasonCode
from tests.support.acting import acting_alone
from tests.support.events import confirm, pay, store, tell, tell_personal
from tests.support.identity import (
    DAY_1,
    DAY_2,
    NUMBER,
    OTHER_NUMBER,
    bring_in,
    links,
    number_of,
    persons,
    row,
)
from tests.support.loans import Book
from workers.db.inbox import comparable
from workers.db.schema import borrower, inbox_event, same_person
from workers.gate.facts import read_contact_facts
from workers.history import loan_history
from workers.inbox.apply import apply_event
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.inbox.event_data.persons import RepresentativeFacts
from workers.inbox.store import store_event
from workers.payments.write_offs import write_off
from workers.privacy.subject_requests import erase_subject, export_subject


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-06 10:00")


ALICE = ("Alice Example", NUMBER, "1 Example Road")


class TestReusedId:
    """A customer id of somebody whose loan is not on the tape."""

    BOB = row("L-2", "C-2", "Bob Example", OTHER_NUMBER, "2 Street")
    TAKES_IT = row("L-9", "C-2", *ALICE)

    @pytest.mark.parametrize("paid", [False, True], ids=["as it was", "a payment came in since"])
    def test_nobody_is_told_of_the_debt_of_who_had_the_id_before(
        self, book: Book, tmp_path: Path, paid: bool
    ) -> None:
        bring_in(book, tmp_path, self.BOB)
        if paid:
            assert pay(book, "10", loan="L-2").status == "applied"

        report = bring_in(book, tmp_path, self.TAKES_IT, as_of=DAY_2)

        (refused,) = report.first_errors
        assert (report.kept, refused.line, refused.column) == (False, 2, "borrower")
        assert "loan L-2, which this tape does not give to anybody else" in str(refused)
        assert not {"Alice", NUMBER} & set(str(refused).split())
        assert number_of(book, "C-2") == f"+86{OTHER_NUMBER}"

    def test_good_rows_come_in_and_the_rest_when_each_has_an_id(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, self.BOB)
        good = row("L-3", "C-3", "He Example", "13700137013")
        report = bring_in(book, tmp_path, self.TAKES_IT, good, as_of=DAY_2, keep_good=True)
        assert (report.taken, report.rejected, set(persons(book))) == (1, 1, {"C-2", "C-3"})
        fixed = self.TAKES_IT.replace("C-2", "C-9")
        assert bring_in(book, tmp_path, fixed, good, as_of=DAY_2).rejected == 0

    @pytest.mark.parametrize(
        "now",
        [
            (row("L-2", "C-2", "Bob Newname", NUMBER, "3 Street"),),
            (row("L-9", "C-2", "Bob Newname", OTHER_NUMBER, "2  street"),),
            (row("L-9", "C-2", "Bob Example", NUMBER, "3 Street"),),
            (row("L-9", "C-2", *ALICE), row("L-2", "C-2", *ALICE)),
        ],
        ids=["all loans on the tape", "another name", "another number", "with the old loan"],
    )
    def test_one_person_may_have_another_name_or_number(
        self, book: Book, tmp_path: Path, now: tuple[str, ...]
    ) -> None:
        bring_in(book, tmp_path, self.BOB)
        assert bring_in(book, tmp_path, *now, as_of=DAY_2).rejected == 0

    def test_a_loan_whose_new_row_is_refused_is_no_reason_to_take_its_borrower_over(
        self, book: Book, tmp_path: Path
    ) -> None:
        carl = row("L-3", "C-3", "Carl Example", "13700137013", "3 Street")
        bring_in(book, tmp_path, row("L-9", "C-9", *ALICE), self.BOB, carl)

        ids_moved_on = (self.TAKES_IT, self.BOB.replace("C-2", "C-3"))  # L-3 is not on the tape
        report = bring_in(book, tmp_path, *ids_moved_on, as_of=DAY_2, keep_good=True)

        assert (report.taken, report.rejected) == (0, 2)
        assert number_of(book, "C-2") == f"+86{OTHER_NUMBER}"

    def test_who_reported_the_new_number_and_address_may_have_another_name(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, self.BOB)
        moved = ContactChangeFacts(borrower="C-2", phone=f"+86{NUMBER}", address="1 Example Road")
        assert tell(book, "contact_change", **moved.payload(book.ctx.cipher)).status == "applied"
        assert bring_in(book, tmp_path, self.TAKES_IT, as_of=DAY_2).rejected == 0


SWAPPED_PEOPLE = (("Alice Example", NUMBER, "1 Road"), ("Bob Example", OTHER_NUMBER, "2 Street"))


class TestGivenToSomebodyElse:
    """A tape gives the ids of people to other people."""

    def swap(self, book: Book, folder: Path, alice: str = "C-2", bob: str = "C-1") -> None:
        """Alice was C-1 and borrowed L-1; Bob was C-2 and borrowed L-2."""
        before, after = ("C-1", "C-2"), (alice, bob)
        for as_of, ids in ((DAY_1, before), (DAY_2, after)):
            rows = (
                row(f"L-{n}", id, *who) for n, id, who in zip("12", ids, self.people, strict=True)
            )
            if as_of == DAY_2:
                self.said(book)
            assert bring_in(book, folder, *rows, as_of=as_of).rejected == 0

    people: tuple[tuple[str, str, str], ...] = SWAPPED_PEOPLE

    def said(self, book: Book) -> None:
        """Bob agreed to calls at other hours, and an attorney acts for him."""
        agreed = {"borrower": "C-2", "fact": "agreed_other_hours", "actor": "c-1"}
        assert tell(book, "person_fact", **agreed).status == "applied"
        attorney = {"borrower": "C-2", "kind": "attorney", "phone": "+8613900139000"}
        told = tell_personal(book, "representative", RepresentativeFacts, **attorney, actor="c-1")
        assert told.status == "applied"

    @pytest.mark.parametrize("bob", ["C-1", "C-3"], ids=["swapped", "handed on"])
    @pytest.mark.parametrize(
        "people",
        [SWAPPED_PEOPLE, [("Alice Example", NUMBER, "1 Road"), ("Bob Example", NUMBER, "1 Road")]],
        ids=["strangers", "with one number"],
    )
    def test_what_somebody_agreed_to_counts_for_nobody_else(
        self, book: Book, tmp_path: Path, people: tuple[tuple[str, str, str], ...], bob: str
    ) -> None:
        self.people = people
        self.swap(book, tmp_path, bob=bob)
        with book.ctx.engine.connect() as connection:
            for loan_id in ("L-1", "L-2"):
                facts = read_contact_facts(connection, book.ctx, loan_id, book.clock.at)
                assert (facts.consents, facts.representative) == ((), None)
                assert PersonFact.REPRESENTED in facts.person_facts, "it protects both for now"

        former = next(name for name in persons(book) if re.fullmatch("former:[0-9]+:C-2", name))
        confirm(book, bob, former)
        with book.ctx.engine.connect() as connection:
            alice, bobs = (
                read_contact_facts(connection, book.ctx, loan_id, book.clock.at)
                for loan_id in ("L-1", "L-2")
            )
        assert (alice.consents, alice.representative) == ((), None)
        assert (len(bobs.consents), bobs.representative is None) == (1, False)

    def test_parted_each_keeps_what_they_asked_for(self, book: Book, tmp_path: Path) -> None:
        self.swap(book, tmp_path)
        with book.ctx.engine.connect() as connection:
            story = loan_history(connection, book.ctx, "L-1")
            told = "A tape gave customer id C-1 to somebody who may be another person."
            assert any(told in sentence.text for sentence in story)
        asked = {"borrower": "C-2", "other": "C-1", "why": "two people", "actor": "c-1"}
        assert tell(book, "same_person", status="parted", **asked).status == "applied"
        assert (book.may_call("L-1"), book.may_call("L-2")) == ("allowed", "deferred")

    def test_the_persons_of_ids_that_were_swapped_can_be_parted_link_by_link(
        self, book: Book, tmp_path: Path
    ) -> None:
        people = self.people
        bring_in(book, tmp_path, row("L-1", "C-1", *people[0]), row("L-2", "C-2", *people[1]))
        swapped = row("L-1", "C-1", *people[1]), row("L-2", "C-2", *people[0])
        bring_in(book, tmp_path, *swapped, as_of=DAY_2)
        assert len(set(persons(book).values())) == 1
        for link in book.rows(same_person):
            names = {known.id: known.external_id for known in book.rows(borrower)}
            pair = {"borrower": names[link.borrower_id], "other": names[link.other_id]}
            told = {"status": "parted", "why": "two people", "actor": "c-1"}
            assert tell(book, "same_person", **pair, **told).status == "applied"
        assert len(set(persons(book).values())) == 4

    def test_a_decision_after_ids_were_parted_counts_whenever_both_are_applied(
        self, book: Book, tmp_path: Path
    ) -> None:
        self.swap(book, tmp_path)
        former = next(name for name in persons(book) if re.fullmatch("former:[0-9]+:C-1", name))
        by = {"borrower": "C-1", "why": "the same voice", "actor": "c-1"}
        stored = []
        for at, other, status in (("11", "C-2", "parted"), ("12", former, "confirmed")):
            book.at(f"2026-03-06 {at}:00")
            stored.append(store(book, "same_person", other=other, status=status, **by))
        book.at("2026-03-06 13:00")
        for event in stored:
            assert apply_event(book.ctx, event).status == "applied"
        assert persons(book)["C-1"] == persons(book)[former]

    def test_a_loan_that_moves_between_two_outlives_a_decision_from_before(
        self, book: Book, tmp_path: Path
    ) -> None:
        other = "Li Example", OTHER_NUMBER, "2 Road"
        bring_in(book, tmp_path, row("L-1"), row("L-2", "C-2", *other))
        confirm(book, "C-1", "C-2")
        tell(book, "opt_out", borrower="C-1", channel=None, actor="c-1")
        book.at("2026-03-06 11:00")
        told = {"borrower": "C-1", "other": "C-2", "why": "two people", "actor": "c-1"}
        parted = store(book, "same_person", status="parted", **told)
        book.at("2026-03-06 12:00")
        bring_in(
            book, tmp_path, *(row(name, "C-2", *other) for name in ("L-1", "L-2")), as_of=DAY_2
        )
        late = apply_event(book.ctx, parted)
        assert late.reason[0].code is ReasonCode.LINK_OUTDATED
        assert book.may_call("L-1") == "barred"

    def test_what_was_reported_of_somebody_is_erased_with_them_and_handed_to_nobody_else(
        self, book: Book, tmp_path: Path
    ) -> None:
        book.staff("sup-1", "supervisor")
        bring_in(book, tmp_path, row("L-1"), row("L-5", "C-5", "Wu Example", "13700137013"))
        new = {"borrower": "C-1", "phone": "+8613777777777", "address": "9 Secret Lane"}
        tell_personal(book, "contact_change", ContactChangeFacts, **new, actor="c-1")
        tell(book, "opt_out", borrower="C-1", number=None, channel="sms", actor="c-1")
        two = {"borrower": "C-5", "other": "C-1", "why": "two people", "actor": "c-1"}
        tell(book, "same_person", status="parted", **two)
        bob = row("L-9", name="Bob Example", phone=OTHER_NUMBER, address="2 Other Road")
        bring_in(book, tmp_path, row("L-1", "C-2"), bob, as_of=DAY_2)
        former = next(name for name in persons(book) if re.fullmatch("former:[0-9]+:C-1", name))
        sup = Actor("sup-1")
        of_bob, theirs = (
            export_subject(acting_alone(book.ctx, sup), name, purpose="a request")
            for name in ("C-1", former)
        )
        assert ("9 Secret Lane" in str(theirs), "9 Secret Lane" in str(of_bob)) == (True, False)

        before = {event.external_id: event for event in book.rows(inbox_event)}
        with book.ctx.engine.begin() as connection:
            for event in before.values():
                said = comparable(event.payload)
                assert "C-1" in said.values()
                stored = store_event(
                    *(connection, event.external_id, event.kind, said, book.ctx.now()),
                    sender=event.sender,
                )
                assert stored == event.id, "the same event again is the same"
            for loan_id in ("L-1", "L-9"):
                write_off(connection, book.ctx, loan_id, book.ctx.today())

        for name in ("C-1", former):
            assert book.rows(inbox_event) == list(before.values()), "it was not about Bob"
            erase_subject(
                acting_alone(book.ctx, sup), name, why="asked", law="PIPL 47", dry_run=False
            )
        change = next(each for each in book.rows(inbox_event) if each.kind == "contact_change")
        assert (change.payload["phone_encrypted"], change.payload["address_encrypted"]) == (
            None,
            None,
        )

    def test_who_married_and_moved_stays_one_person(self, book: Book, tmp_path: Path) -> None:
        bring_in(book, tmp_path, row("L-1"))
        told = tell(book, "opt_out", borrower="C-1", channel=None, actor="c-1")
        assert told.status == "applied"
        married = row("L-1", "C-1", "Li Newname", NUMBER, "3 Road")
        bring_in(book, tmp_path, married, as_of=DAY_2)
        assert (book.may_call("L-1"), links(book)) == ("barred", [("presumed", "loan_moved")])
        assert bring_in(book, tmp_path, married, as_of=DAY_2).changed == 0
        renamed = row("L-1", "C-1", "Li Othername", NUMBER, "3 Road")
        bring_in(book, tmp_path, renamed, as_of=DAY_2)
        assert len(book.rows(borrower)) == 2, "a name alone makes nobody another person"
