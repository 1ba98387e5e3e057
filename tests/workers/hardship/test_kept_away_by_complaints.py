"""Stories of complaints about a collector: who does no work for the person any more."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from domain.actors import Actor, ActorKind
from domain.disputes import ComplaintKind, Matter
from domain.errors import RefusedError
from domain.language.speak import speak
from tests.support.acting import acting
from tests.support.complaints import (
    SHIFT,
    a_house,
    a_team,
    an_item_to_call,
    answers,
    assign,
    complains,
    has_call,
)
from tests.support.events import tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import Book
from tests.support.matters import answer_matter
from workers.borrowers import reply_queue
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.context import Context
from workers.db.kept_away import kept_away_from
from workers.db.schema import (
    action,
    borrower,
    call,
    complaint,
    dispute,
    matter_change,
    must_not_handle,
    reply,
    staff,
    work_lease,
)
from workers.hardship import handling
from workers.hardship.answer_letters import open_answer
from workers.hardship.corrections import Correction, correct
from workers.hardship.matter_lists import read_matter
from workers.inbox.submit import submit
from workers.sms.providers.port import InboundText
from workers.staff.next_work import ServedWork, next_for
from workers.visits.schedule import schedule_visit
from workers.workforce.absences import must_not_handle as must_not_handle_from_now_on
from workers.workforce.members import MayNotStartError


@pytest.fixture
def book(engine: Engine) -> Book:
    return a_house(engine)


def test_a_complaint_about_a_collector_goes_to_another_person_and_keeps_the_collector_away(
    book: Book,
) -> None:
    # The call of L-1 is c-1's. The borrower writes that c-1 shouted at them.
    assert assign(book) == "assigned"
    assert has_call(book) == "c-1"
    assert isinstance(next_for(acting(book.ctx, Actor("c-1"))), ServedWork)
    said = complains(book, raised_by="letter")
    assert "is to be answered by 2026-03-19" in said
    assert "c-1 does no work for the person; 1 pieces of their work are planned again." in said
    assert said.endswith("Next it is for: a supervisor, until 2026-03-05 10:00.")

    # Their call is planned again, and goes to somebody else.
    assert book.one(work_lease).ended_because == "not_allowed"
    assert has_call(book) is None
    assert assign(book) == "assigned"
    assert has_call(book) == "c-2"

    # c-1 cannot handle it; the supervisor does.
    with pytest.raises(RefusedError, match="the complaint is about them"):
        handling.take(acting(book.ctx, Actor("c-1")), Matter.COMPLAINT, "C-1")
    supervisor = acting(book.ctx, Actor("s-1"))
    handling.acknowledge(supervisor, Matter.COMPLAINT, "C-1")
    handling.take(supervisor, Matter.COMPLAINT, "C-1")

    # It is upheld in time, and the letter says what follows and where to turn next.
    book.at("2026-03-12 10:00")
    assert "rejected" in answers(book, "upheld", "payment_found"), "it is about what c-1 did"
    assert answers(book, "upheld", "rule_broken").startswith("applied")
    body = open_answer(supervisor, Matter.COMPLAINT, "C-1").body
    assert "您所提成立" in body
    assert "被投诉的人员不会再联系您" in body
    assert "12378" in body

    # For good: c-1 works for this person no more.
    record = book._borrower_of("L-1")
    with book.ctx.engine.connect() as connection:
        assert kept_away_from(connection, record) == {"c-1"}


def test_where_everybody_was_complained_of_the_call_waits_and_says_why(book: Book) -> None:
    complains(book)
    complains(book, about="c-2", id="C-2")
    assert assign(book) == "nobody free"
    reason = speak(book.action("L-1", an_item_to_call(book)).reason)
    assert reason == "No suitable caller may handle this person."


def test_a_call_that_was_assigned_before_cannot_be_started_either(book: Book) -> None:
    assign(book)
    complains(book)
    with book.ctx.engine.begin() as connection:  # as if it had come back to them
        connection.execute(call.update().values(cancelled_at=None))
        connection.execute(
            action.update().where(action.c.type == "assign_call").values(status="assigned")
        )
    with pytest.raises(MayNotStartError, match="c-1 must not handle this person"):
        start_call(acting(book.ctx, Actor("c-1")), "L-1")


def test_a_complaint_about_a_visit_keeps_both_visitors_away(engine: Engine) -> None:
    book = Book(engine, now="2026-04-02 10:00")
    for visitor in ("v-1", "v-2", "v-3"):
        book.staff(visitor, "visitor")
    book.loan("L-1")
    book.escalate("L-1")
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    attempt = book.visited("L-1", "v-1")
    assert "v-2 does no work" in complains(book, about=None, about_attempt=attempt)

    def kept_away() -> int:
        return sum(row.ended_at is None for row in book.rows(must_not_handle))

    assert kept_away() == 2
    # The supervisor finds out that only one of them is meant; then, that nobody is.
    supervisor = acting(book.ctx, Actor("s-1"))
    for right, left in (({"about_staff": "v-2"}, 1), ({"about_nobody": True}, 0)):
        correct(supervisor, Matter.COMPLAINT, "C-1", Correction(why="asked them", **right))
        assert kept_away() == left


def corrected(book: Book, by: str = "s-1", **right: object) -> str:
    right_one = Correction(why="read again", **right)  # type: ignore[arg-type]
    return speak(correct(acting(book.ctx, Actor(by)), Matter.COMPLAINT, "C-1", right_one))


def kept_away(book: Book) -> list[str]:
    in_force = (
        select(staff.c.external_id)
        .join(must_not_handle, must_not_handle.c.staff_id == staff.c.id)
        .where(must_not_handle.c.ended_at.is_(None))
        .order_by(staff.c.external_id)
    )
    return [row.external_id for row in book.rows(in_force)]


def test_a_kind_that_is_put_right_keeps_away_whom_it_would_have_from_the_beginning(
    book: Book,
) -> None:
    # c-1 called. The complaint about that call is written down as one about fees: nobody is barred.
    assign(book)
    attempt = book.called("L-1", "c-1", "no_answer", None)
    complains(book, about=None, kind="fees", about_attempt=attempt)
    assert kept_away(book) == []

    # It was about conduct: so it is about whoever had the call, who does nothing more for them.
    assert "c-1 does no work for the person" in corrected(book, kind=ComplaintKind.CONDUCT)
    assert (kept_away(book), book.one(complaint).about_staff) == (["c-1"], "c-1")

    # Another kind that is about people changes nothing; a kind that is not lets c-1 back.
    assert "c-1" not in corrected(book, kind=ComplaintKind.HARASSMENT)
    assert kept_away(book) == ["c-1"]
    assert "c-1 may work for the person again." in corrected(book, kind=ComplaintKind.PRODUCT)
    assert (kept_away(book), book.one(complaint).about_staff) == ([], None)
    noted = [(row.field, row.before, row.after) for row in book.rows(matter_change)]
    assert noted == [
        *(("kind", "fees", "conduct"), ("about_staff", None, "c-1")),
        ("kind", "conduct", "harassment"),
        *(("kind", "harassment", "product"), ("about_staff", "c-1", None)),
    ]

    # Another complaint keeps c-1 away all the same, and nobody says that they are back.
    corrected(book, kind=ComplaintKind.CONDUCT)
    complains(book, id="C-2")
    assert "again" not in corrected(book, kind=ComplaintKind.FEES)
    assert kept_away(book) == ["c-1"]


def test_a_complaint_about_conduct_says_whose(book: Book) -> None:
    complains(book, about=None, kind="fees")
    with pytest.raises(RefusedError, match="nobody says whose"):
        corrected(book, kind=ComplaintKind.CONDUCT)
    assert book.one(complaint).kind == "fees"
    assert "c-2 does no work" in corrected(book, kind=ComplaintKind.CONDUCT, about_staff="c-2")
    corrected(book, about_nobody=True)
    assert (book.one(complaint).kind, kept_away(book)) == ("conduct", [])


def test_who_must_not_handle_a_person_does_nothing_of_theirs_at_any_door(book: Book) -> None:
    # L-1 has a dispute. Then its borrower complains of s-2, a supervisor; and of c-1.
    book.staff("s-2", "supervisor")
    told = {"dispute": "D-1", "loan": "L-1", "starts_on": "2026-03-04", "actor": "c-2"}
    tell(book, "dispute", **told, kind="amount", why="too much")
    handling.take(acting(book.ctx, Actor("s-2")), Matter.DISPUTE, "D-1")
    a_team(book, "s-1", "s-2", "c-1")
    complains(book, about="s-2")
    assert book.one(dispute).handler == "s-1", "what s-2 had went up"
    complains(book, id="C-2")
    theirs = acting(book.ctx, Actor("s-2"))
    promised = {"promise": "P-1", "loan": "L-1", "amount": "100", "currency": "CNY"}
    asked = {"arrangement": "A-1", "loan": "L-1", "asked_by": "call", "instalments": 3}
    for kind, said in (
        ("promise", promised | {"due_on": "2026-03-06"}),
        ("arrangement_request", asked),
        ("release", {"hold": "D-1", "ends_on": "2026-03-04"}),
        ("person_fact_end", {"borrower": "B-L-1", "fact": "deceased"}),
    ):
        with pytest.raises(RefusedError, match="s-2 must not handle this person"):
            submit(theirs, f"{kind}:1", kind, said | {"actor": "s-2"})
    for do in (handling.take, handling.acknowledge):
        with pytest.raises(RefusedError, match="they may not work for this person"):
            do(theirs, Matter.DISPUTE, "D-1")
    with pytest.raises(RefusedError, match="s-2 must not handle this person"):
        read_matter_of(theirs, "C-1")
    # A machine that speaks for c-1 is asked as c-1 is.
    machine = acting(book.ctx, Actor("dialer", ActorKind.MACHINE))
    with pytest.raises(RefusedError, match="c-1 must not handle this person"):
        submit(machine, "promise:1", "promise", promised | {"due_on": "2026-03-06", "actor": "c-1"})

    # What protects the person is taken from anybody; and who may, goes on with it.
    hold = {"hold": "H-1", "loan": "L-1", "kind": "manual", "starts_on": "2026-03-04"}
    protects = hold | {"ends_on": "2026-03-06", "why": "is in hospital", "actor": "s-2"}
    assert submit(theirs, "hold:H-1", "hold", protects).status == "applied"
    handling.acknowledge(acting(book.ctx, Actor("s-1")), Matter.DISPUTE, "D-1")


def read_matter_of(ctx: Context, id: str) -> None:
    with ctx.engine.connect() as connection:
        read_matter(connection, ctx, Matter.COMPLAINT, id)


def test_a_complaint_that_was_not_upheld_keeps_nobody_away(book: Book) -> None:
    complains(book)
    answers(book, "rejected", "rules_kept")
    assert assign(book) == "assigned"
    assert has_call(book) == "c-1"


def test_a_complaint_about_nobody_in_particular_keeps_nobody_away(book: Book) -> None:
    assert "does not say whom it is about" not in complains(book, about=None, kind="fees")
    assert assign(book) == "assigned"

    # One about conduct is taken as well: who complains may not know who it was. It is said.
    said = complains(book, about=None, id="C-2")
    assert said.startswith("applied: ")
    assert "does not say whom it is about, so everybody may go on" in said

    # What is found about conduct is no matter of payments, and the refusal says what may be found.
    handling.take(acting(book.ctx, Actor("s-1")), Matter.COMPLAINT, "C-2")
    refused = answers(book, "upheld", "payment_found", id="C-2")
    assert "Write one of goodwill, rule_broken." in refused


def test_it_reaches_every_loan_of_the_person_under_every_customer_id(book: Book) -> None:
    book.loan("L-2", same_person_as="B-L-1", borrower_id="B-2")
    complains(book)
    book.escalate("L-2")
    item = next(row.item for row in book.rows(action) if row.type == "assign_call")
    assign_call(book.ctx, book.action_id("L-2", item))
    assert has_call(book) == "c-2"


def test_a_text_that_the_collector_was_to_read_is_given_back(book: Book) -> None:
    text = InboundText("fake", "SM-1", book.numbers()[0], "why do you shout", None)
    record_inbound_text(book.ctx, text, help_is_answered=False)
    assert reply_queue.assign_replies(book.ctx) == 1
    assert book.one(reply).staff_id == collector_id(book, "c-1")

    complains(book)

    assert book.one(reply).staff_id is None
    assert reply_queue.assign_replies(book.ctx) == 1
    assert book.one(reply).staff_id == collector_id(book, "c-2")


def test_who_must_not_handle_a_person_from_now_on_is_served_their_text_no_more(book: Book) -> None:
    text = InboundText("fake", "SM-1", book.numbers()[0], "call me", None)
    record_inbound_text(book.ctx, text, help_is_answered=False)
    assert reply_queue.assign_replies(book.ctx) == 1
    with book.ctx.engine.begin() as connection:  # their call goes away: the text is all they have
        connection.execute(call.update().values(cancelled_at=book.ctx.now()))
    assert isinstance(next_for(acting(book.ctx, Actor("c-1"))), ServedWork)
    person = book.one(select(borrower.c.person_id)).person_id
    with book.ctx.engine.begin() as connection:
        why = "they are cousins"
        who, by, now = collector_id(book, "c-1"), Actor("s-1"), book.ctx.now()
        must_not_handle_from_now_on(connection, book.ctx, who, person, why, by, now)

    assert (book.one(reply).staff_id, book.one(work_lease).ended_because) == (None, "not_allowed")
    assert reply_queue.assign_replies(book.ctx) == 1
    assert book.one(reply).staff_id == collector_id(book, "c-2")


def collector_id(book: Book, reference: str) -> int:
    return int(book.one(select(staff.c.id).where(staff.c.external_id == reference)).id)


COLLECTORS = ("c-1", "c-2", "c-3")


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    complaints=st.lists(
        st.tuples(
            st.sampled_from(COLLECTORS),
            st.sampled_from([None, "upheld", "partly_upheld", "rejected", "withdrawn"]),
        ),
        max_size=4,
    )
)
def test_a_barred_collector_never_gets_the_person(
    engine: Engine, complaints: list[tuple[str, str | None]]
) -> None:
    book = Book(engine, now="2026-03-04 10:00")
    known = {row.external_id for row in book.rows(staff)}
    for who in {*COLLECTORS} - known:
        book.staff(who, "caller", shift=SHIFT, capacity=1000)
    loan_id = f"L-{uuid4()}"
    book.loan(loan_id, phone=f"+86138{uuid4().int % 10**8:08d}")
    book.escalate(loan_id)
    barred = set()
    for who, outcome in complaints:
        told = {"complaint": str(uuid4()), "loan": loan_id, "kind": "conduct", "why": "x"}
        assert tell(book, "complaint", **told, actor="s-1", about_staff=who).status == "applied"
        if outcome:
            finding = {"rejected": "rules_kept", "withdrawn": "taken_back"}.get(
                outcome, "rule_broken"
            )
            decided = answer_matter(book, Matter.COMPLAINT, told["complaint"], outcome, finding)
            assert decided.status == "applied"
        if outcome not in ("rejected", "withdrawn"):
            barred.add(who)

    to_call = select(action.c.id).where(
        action.c.loan_id == book.loan_id(loan_id), action.c.type == "assign_call"
    )
    result = assign_call(book.ctx, book.one(to_call).id)

    given_to = book.rows(
        select(staff.c.external_id)
        .join(call, call.c.staff_id == staff.c.id)
        .where(call.c.loan_id == book.loan_id(loan_id), call.c.cancelled_at.is_(None))
    )
    assert {row.external_id for row in given_to}.isdisjoint(barred)
    assert result == ("nobody free" if barred == {*COLLECTORS} else "assigned")
