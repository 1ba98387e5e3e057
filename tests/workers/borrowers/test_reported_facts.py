"""What the staff or the lender's systems report of a person or of a number, and that it ended."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, insert, select

from domain.actors import Actor
from domain.contact_points import NumberFact
from domain.reasons import ReasonCode
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.events import store, tell, tell_personal
from tests.support.loans import PHONE, Book
from workers.db.closed_numbers import NUMBER_CLOSED
from workers.db.contact_points import lock_number
from workers.db.presumed_links import ONE_IMPORT
from workers.db.schema import (
    borrower,
    contact_point,
    contact_point_fact,
    inbox_event,
    person_fact,
    problem,
    reply,
    representative,
    representative_wish,
)
from workers.history import loan_history
from workers.inbox.apply import EventResult, apply_event
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.inbox.event_data.persons import RepresentativeFacts

OTHER_NUMBER = "+8613900139000"


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 and L-2 are one borrower's; L-3 is the same person's under another customer id."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", borrower_id="B-1")
    book.loan("L-2", borrower_id="B-1")
    book.loan("L-3", borrower_id="B-2", same_person_as="B-1", phone=OTHER_NUMBER)
    book.loan("relative")
    return book


def person(
    book: Book, fact: str, borrower: str = "B-1", *, ended: bool = False, **more: object
) -> EventResult:
    kind = "person_fact_end" if ended else "person_fact"
    return tell(book, kind, borrower=borrower, fact=fact, actor="c-1", **more)


def number(
    book: Book, fact: str, borrower: str | None = "B-1", *, ended: bool = False, **more: object
) -> EventResult:
    kind = "number_fact_end" if ended else "number_fact"
    return tell(book, kind, borrower=borrower, fact=fact, actor="c-1", **more)


def may_call(book: Book) -> list[str]:
    return [book.may_call(loan) for loan in ("L-1", "L-2", "L-3", "relative")]


ALL = ["allowed"] * 4


@pytest.mark.parametrize(("fact", "answer"), [("represented", "deferred"), ("ceased", "barred")])
def test_what_is_true_of_a_person_holds_for_all_of_their_loans_until_it_ends(
    book: Book, fact: str, answer: str
) -> None:
    assert person(book, fact).status == "applied"
    assert may_call(book) == [answer] * 3 + ["allowed"]

    person(book, fact, borrower="B-2", ended=True)
    assert may_call(book) == [answer] * 3 + ["allowed"], "B-2 is only presumed to be the person"
    one = {"borrower": "B-1", "other": "B-2", "status": "confirmed"}
    tell(book, "same_person", **one, why="a test needs it", actor="c-1")
    assert person(book, fact, borrower="B-2", ended=True).status == "applied"
    assert may_call(book) == ALL

    person(book, fact)
    assert may_call(book) == [answer] * 3 + ["allowed"], "it may become true again"
    assert len(book.rows(person_fact)) == 2


def test_an_attorney_for_one_debt_stops_contact_about_that_debt(book: Book) -> None:
    person(book, "represented", loan="L-2")
    assert may_call(book) == ["allowed", "deferred", "allowed", "allowed"]
    person(book, "represented", loan="L-2", ended=True)
    assert may_call(book) == ALL


def test_a_cease_about_one_debt_follows_the_law_of_that_loan(engine: Engine) -> None:
    us = Book(engine, now="2026-03-02 12:00", zone="America/New_York")
    us.loan("U-1", borrower_id="B-1", jurisdiction="US")
    us.loan("U-2", borrower_id="B-1", jurisdiction="US")
    person(us, "ceased", loan="U-1")
    assert (us.may_call("U-1"), us.may_call("U-2")) == ("barred", "allowed")


def test_an_employer_forbids_contact_at_the_number_of_work_alone(book: Book) -> None:
    person(book, "employer_forbids")
    assert may_call(book) == ALL
    number(book, "at_work")
    assert book.may_call("L-1") == "deferred"
    number(book, "at_work", ended=True)
    assert may_call(book) == ALL


def test_a_loan_of_somebody_else_or_of_no_use_is_refused(book: Book) -> None:
    assert person(book, "represented", loan="relative").reason[0].code is (
        ReasonCode.LOAN_OF_SOMEBODY_ELSE
    )
    refused = person(book, "employer_forbids", loan="L-1")
    assert (refused.status, refused.reason[0].code) == ("rejected", ReasonCode.FACT_HAS_NO_LOAN)
    assert person(book, "represented", borrower="B-404").status == "received"
    assert person(book, "represented", loan="L-404").status == "received"
    ended = person(book, "represented", ended=True)
    assert ended.reason[0].code is ReasonCode.PERSON_FACT_NOT_KNOWN


@pytest.mark.parametrize("fact", ["reaches_nobody", "somebody_else", "refused"])
def test_a_number_that_is_reported_closed_is_closed_for_everybody_until_that_ends(
    book: Book, fact: str
) -> None:
    number(book, fact)
    assert may_call(book) == ["deferred", "deferred", "allowed", "deferred"]
    opened = book.rows(select(problem.c.resolved_at).where(problem.c.kind == NUMBER_CLOSED))
    assert [row.resolved_at for row in opened] == [None] * 3
    book.escalate("relative")
    assert book.send("relative", "text_day_1") == "nothing to do"

    number(book, fact, borrower="B-relative", ended=True)

    assert may_call(book) == ALL
    assert all(row.resolved_at for row in book.rows(problem))
    assert book.send("relative", "text_day_1") == "accepted", "what waited is due again"


LATE_ENDS = [
    ("person_fact_end", "ceased", "opt_out", {"channel": None}),
    ("person_fact_end", "represented", "person_fact", {"fact": "represented"}),
    ("number_fact_end", "somebody_else", "number_fact", {"fact": "somebody_else"}),
]


@pytest.mark.parametrize(("end", "fact", "again", "said"), LATE_ENDS)
def test_an_end_that_waited_ends_nothing_that_was_said_after_it_came(
    book: Book, end: str, fact: str, again: str, said: dict[str, object]
) -> None:
    ended = store(book, end, borrower="C-5", fact=fact, actor="c-1")
    assert apply_event(book.ctx, ended).status == "received", "C-5 is not known yet"
    book.at("2026-03-03 10:00").loan("L-5", borrower_id="C-5", phone="+8613900139777")
    assert tell(book, again, borrower="C-5", actor="c-1", **said).status == "applied"
    protected = book.may_call("L-5")
    assert protected != "allowed"

    assert apply_event(book.at("2026-03-03 10:05").ctx, ended).status == "applied"

    assert book.may_call("L-5") == protected


@pytest.mark.parametrize(("end", "fact", "again", "said"), LATE_ENDS)
def test_what_was_said_before_the_end_came_ends_however_late_both_are_applied(
    book: Book, end: str, fact: str, again: str, said: dict[str, object]
) -> None:
    waiting = [store(book, again, borrower="C-5", actor="c-1", **said)]
    book.at("2026-03-02 11:00")
    waiting += [store(book, end, borrower="C-5", fact=fact, actor="c-1")]
    book.at("2026-03-03 10:00").loan("L-5", borrower_id="C-5", phone="+8613900139777")

    assert [apply_event(book.ctx, event).status for event in waiting] == ["applied"] * 2

    assert book.may_call("L-5") == "allowed"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("number_fact", {"fact": "somebody_else"}),
        ("person_fact", {"fact": "inconvenient_place", "place": "number"}),
    ],
)
def test_a_number_that_is_named_by_its_place_is_the_one_that_was_there_when_it_was_said(
    book: Book, kind: str, said: dict[str, str]
) -> None:
    """The new number waits for an import; what is said of it comes next, and does not."""
    moved = ContactChangeFacts(borrower="B-1", phone="+8613900139555")
    with book.ctx.engine.connect() as importing:
        importing.execute(select(func.pg_advisory_lock(ONE_IMPORT)))
        change = store(book, "contact_change", **moved.payload(book.ctx.cipher))
        assert apply_event(book.ctx, change).status == "received"
        fact = store(book, kind, borrower="B-1", actor="c-1", **said)
        waits = apply_event(book.ctx, fact)
        assert (waits.status, waits.reason[0].code) == ("received", ReasonCode.EARLIER_EVENT_WAITS)
        other = tell(book, kind, borrower="B-2", actor="c-1", **said)
        assert other.status == "applied", "nothing waits for somebody else's number"
        importing.execute(select(func.pg_advisory_unlock(ONE_IMPORT)))

    assert [apply_event(book.ctx, event).status for event in (change, fact)] == ["applied"] * 2

    new = contact_point.c.blind_index == book.ctx.cipher.blind_index("+8613900139555")
    point = book.one(select(contact_point).where(new)).id
    facts = contact_point_fact if kind == "number_fact" else person_fact
    assert point in [row.contact_point_id for row in book.rows(facts)]
    assert book.may_call("L-1") == "deferred"
    assert book.may_call("relative") == "allowed", "the old number is theirs too"


def test_a_fact_that_is_known_or_not_known_changes_nothing(book: Book) -> None:
    number(book, "no_texts")
    assert number(book, "no_texts").reason[0].code is ReasonCode.NUMBER_FACT_KNOWN
    missing = number(book, "refused", ended=True)
    assert missing.reason[0].code is ReasonCode.NUMBER_FACT_NOT_KNOWN


def test_a_borrower_without_a_number_has_none_that_anything_is_true_of(book: Book) -> None:
    book.loan("L-9", phone=None)
    refused = number(book, "no_texts", borrower="B-L-9")
    assert (refused.status, refused.reason[0].code) == ("rejected", ReasonCode.NO_NUMBER_ON_RECORD)
    assert number(book, "no_texts", borrower="B-404").status == "received"


def a_reply(book: Book, phone: str) -> int:
    with book.ctx.engine.begin() as connection:
        point = lock_number(connection, book.ctx.cipher.blind_index(phone))
        values = {
            "contact_point_id": point,
            "provider": "twilio",
            "sid": "SM-1",
            "kind": "other",
            "to_read": False,
            "received_at": book.clock.at,
        }
        return int(
            connection.execute(insert(reply).values(values).returning(reply.c.id)).scalar_one()
        )


def test_a_number_that_belongs_to_nobody_known_is_named_by_its_reply(book: Book) -> None:
    stranger = "+8613900139777"
    reply_id = a_reply(book, stranger)
    assert number(book, "somebody_else", borrower=None, reply=reply_id).status == "applied"
    book.loan("its next owner", phone=stranger)
    assert book.may_call("its next owner") == "deferred"

    unknown = number(book, "somebody_else", borrower=None, reply=404)
    assert (unknown.status, unknown.reason[0].code) == ("rejected", ReasonCode.REPLY_NOT_KNOWN)


@pytest.mark.parametrize("kind", ["person_fact", "number_fact"])
def test_a_report_that_is_not_applied_yet_stops_contact(book: Book, kind: str) -> None:
    book.escalate("L-2")
    store(book, kind, borrower="B-1", fact="represented", actor="c-1")
    assert book.send("L-2", "text_day_1") == "nothing to do"
    assert book.action("L-2", "text_day_1").rules == ["lender.event_pending"]


def test_the_story_tells_each_fact_and_its_end(book: Book) -> None:
    person(book, "represented", loan="L-1")
    number(book, "somebody_else")
    book.at("2026-03-02 11:00")
    person(book, "represented", loan="L-1", ended=True)
    number(book, "somebody_else", ended=True)
    with book.ctx.engine.connect() as connection:
        story = "\n".join(entry.text for entry in loan_history(connection, book.ctx, "L-1"))
    for sentence in (
        "somebody acts for them (source: c-1). It is only about this debt.",
        "No longer true of the borrower",
        "it belongs to somebody else (source: c-1)",
        "No longer true of the borrower's number: it belongs to somebody else (said by c-1).",
    ):
        assert sentence in story


def test_the_staff_report_at_the_command_line_and_no_number_is_shown(
    book: Book, database_url: str
) -> None:
    environment = an_environment(database_url)
    book.note_number_fact(NumberFact.OPTED_OUT, Actor("c-2"))
    for command, sentence in (
        (("person", "note", "B-1", "represented"), "somebody acts for them"),
        (("person", "end", "B-1", "represented"), "No longer true of borrower B-1"),
        (("person", "note", "B-1", "ceased", "--loan", "L-1"), "B-1"),
        (("number", "note", "no_texts", "--borrower", "B-1"), "it takes no texts"),
        (("number", "end", "opted_out", "--borrower", "B-1"), "No longer true of the number"),
    ):
        done = arrears(environment, *command)
        assert (done.returncode, sentence in done.stdout) == (0, True), done.stderr + done.stdout
        assert PHONE["CN"][3:] not in done.stdout + done.stderr
    assert book.number_facts() == ["no_texts"]
    stored = " ".join(str(row.payload) for row in book.rows(inbox_event))
    assert PHONE["CN"][3:] not in stored

    unclear = arrears(environment, "number", "note", "no_texts")
    assert (unclear.returncode, "--borrower or by --reply" in unclear.stderr) == (2, True)


AGREED = {"borrower": "B-1", "fact": "agreed_other_hours", "actor": "c-1"}
SPEAKS = {"borrower": "B-1", "fact": "language", "actor": "c-1"}


@pytest.mark.parametrize(
    ("earlier", "later", "counts"),
    [
        (
            ("person_fact", SPEAKS, {"locale": "zh-Hans"}),
            ("person_fact", SPEAKS, {"locale": "en"}),
            "en",
        ),
        (
            ("person_fact", AGREED, {"until": "2027-01-01T00:00:00+08:00"}),
            ("person_fact", AGREED, {"until": "2026-03-09T00:00:00+08:00"}),
            datetime(2026, 3, 8, 16, tzinfo=UTC),
        ),
        (("person_fact", AGREED, {}), ("person_fact_end", AGREED, {}), None),
        (
            ("person_fact", AGREED, {"fact": "agreed_more_contacts"}),
            ("person_fact_end", AGREED, {"fact": "agreed_more_contacts"}),
            None,
        ),
    ],
    ids=["language", "consent", "withdrawn", "withdrawn before it was known"],
)
def test_the_later_word_counts_whichever_is_applied_first(
    book: Book,
    earlier: tuple[str, dict[str, str], dict[str, str]],
    later: tuple[str, dict[str, str], dict[str, str]],
    counts: object,
) -> None:
    stored = []
    for kind, what, details in (earlier, later):
        book.clock.at += timedelta(minutes=1)
        stored.append(store(book, kind, **{**what, **details}))
    for event in reversed(stored):
        assert apply_event(book.ctx, event).status == "applied"
    known = book.rows(select(person_fact).where(person_fact.c.ended_at.is_(None)))
    assert [row.locale or row.until for row in known] == [counts] * (counts is not None)
    with book.ctx.engine.connect() as connection:
        story = " ".join(sentence.text for sentence in loan_history(connection, book.ctx, "L-1"))
    assert ("agree" in story) == (later[1] is AGREED and counts is not None)


def test_of_two_decisions_about_who_is_one_person_the_later_one_counts(book: Book) -> None:
    stored = []
    for status in ("confirmed", "parted"):
        book.clock.at += timedelta(minutes=1)
        pair = {"borrower": "B-1", "other": "B-2", "status": status}
        stored.append(store(book, "same_person", **pair, why="two people", actor="c-1"))
    assert apply_event(book.ctx, stored[1]).status == "applied"
    assert apply_event(book.ctx, stored[0]).reason[0].code is ReasonCode.LINK_OUTDATED


def test_a_decision_taken_again_outlives_the_opposite_one_from_before(book: Book) -> None:
    pair = {"borrower": "B-1", "other": "B-2", "why": "one voice", "actor": "c-1"}
    tell(book, "same_person", status="confirmed", **pair)
    book.at("2026-03-02 11:00")
    parted = store(book, "same_person", status="parted", **pair)
    book.at("2026-03-02 12:00")
    again = tell(book, "same_person", status="confirmed", **pair)
    assert again.reason[0].code is ReasonCode.LINK_KNOWN
    assert apply_event(book.ctx, parted).reason[0].code is ReasonCode.LINK_OUTDATED


def test_links_in_a_ring_are_parted_one_by_one(book: Book) -> None:
    ring = [("B-1", "B-2"), ("B-2", "B-relative"), ("B-1", "B-relative")]
    codes = []
    for status in ("confirmed", "parted"):
        for one, other in ring:
            told = {"borrower": one, "other": other, "why": "said so", "actor": "c-1"}
            done = tell(book, "same_person", status=status, **told)
            codes.append((done.status, done.reason[0].code))
            if status == "parted" and one == "B-1" and other == "B-2":
                links = ["B-1 = B-relative", "B-relative = B-2"]
                assert done.reason[0].params["links"] == links
                again = tell(book, "same_person", status=status, **told)
                assert again.reason[0].code is ReasonCode.STILL_ONE_PERSON
    assert codes[3:] == [
        ("applied", ReasonCode.STILL_ONE_PERSON),
        ("applied", ReasonCode.TWO_PERSONS),
        ("applied", ReasonCode.TWO_PERSONS),
    ]
    persons = {row.external_id: row.person_id for row in book.rows(borrower)}
    assert len(set(persons.values())) == 3


TIME = {"days": ["mon"], "starts": "09:00", "ends": "12:00"}


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("person_fact", {"fact": "ceased"}),
        ("person_fact", {"fact": "represented"}),
        ("person_fact", {"fact": "inconvenient_time", "time": TIME}),
        ("person_fact", {"fact": "inconvenient_time", "time": TIME, "of_representative": True}),
        ("number_fact", {"fact": "somebody_else"}),
    ],
    ids=["no contact", "attorney", "time", "time of an attorney", "number"],
)
def test_what_is_said_again_outlives_an_end_from_before_that_is_applied_late(
    book: Book, kind: str, what: dict[str, object]
) -> None:
    given = {"borrower": "B-1", "kind": "attorney", "phone": "+8613900139001", "actor": "c-1"}
    tell_personal(book, "representative", RepresentativeFacts, **given)
    table = contact_point_fact if kind == "number_fact" else person_fact
    table = representative_wish if "of_representative" in what else table
    still_true = select(table).where(table.c.kind == what["fact"], table.c.ended_at.is_(None))
    said = {"borrower": "B-1", "actor": "c-1", **what}

    tell(book, kind, **said)
    book.at("2026-03-02 11:00")
    ended = store(book, f"{kind}_end", **said)
    book.at("2026-03-02 12:00")
    tell(book, kind, **said)
    assert apply_event(book.ctx, ended).status == "applied"
    assert len(book.rows(still_true)) == 1

    book.at("2026-03-02 13:00")
    assert tell(book, f"{kind}_end", **said).status == "applied"
    assert book.rows(still_true) == []


def test_a_consent_withdrawn_under_another_id_does_not_come_back_by_an_older_report(
    book: Book,
) -> None:
    consent = store(book, "person_fact", **AGREED)
    book.at("2026-03-02 12:00")
    tell(book, "person_fact_end", **{**AGREED, "borrower": "B-2"})
    late = apply_event(book.ctx, consent)
    assert late.reason[0].code is ReasonCode.PERSON_FACT_OUTDATED
    open_facts = select(person_fact).where(person_fact.c.ended_at.is_(None))
    assert book.rows(open_facts) == []


def test_who_acts_for_a_person_is_whom_the_later_report_named(book: Book) -> None:
    stored = []
    for phone in ("+8613900139001", "+8613900139002"):
        book.clock.at += timedelta(minutes=1)
        given = {"borrower": "B-1", "kind": "attorney", "phone": phone, "actor": "c-1"}
        facts = RepresentativeFacts.model_validate(given, strict=False)
        stored.append(store(book, "representative", **facts.payload(book.ctx.cipher)))
    assert apply_event(book.ctx, stored[1]).status == "applied"
    late = apply_event(book.ctx, stored[0])
    assert late.reason[0].code is ReasonCode.PERSON_FACT_OUTDATED
    acting = book.one(select(representative).where(representative.c.ended_at.is_(None)))
    assert acting.phone_blind_index == book.ctx.cipher.blind_index("+8613900139002")
