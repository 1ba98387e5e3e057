"""The life of a deferral and of an instalment plan, as a supervisor would tell it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor, Role
from domain.arranged import Wish
from domain.arrangements import ArrangementStatus, Refusal
from domain.errors import ArrearsError, NotPermittedError, RefusedError
from domain.language.sentences import error_in
from domain.language.speak import speak
from domain.second_person import RequestStatus
from tests.support.arrangements import (
    accept,
    arranged,
    ask,
    confirm,
    holds,
    in_difficulty,
    offer,
    status,
    withdraw,
)
from tests.support.concurrently import concurrently
from tests.support.events import pay, reverse, tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import PHONE, Book
from workers.access.requests import decide
from workers.access.second_person import SecondPersonNeededError
from workers.calls.assign import assign_call
from workers.db.outbox import with_outbox
from workers.db.schema import (
    arrangement,
    arrangement_instalment,
    loan,
    outbox_event,
    problem,
    replaced_schedule,
    reply,
    second_person_request,
)
from workers.hardship.arrangement_endings import Ending, end_arrangement
from workers.hardship.arrangement_offers import offer_arrangement
from workers.hardship.arrangement_review import settle_arrangements
from workers.history.history import loan_history
from workers.sms.providers.port import InboundText


@pytest.fixture
def book(engine: Engine) -> Book:
    return in_difficulty(engine)


def test_a_plan_is_kept_to_its_end(book: Book) -> None:
    # On 11 March the borrower asks on the telephone for three instalments. The collector may agree
    # to that alone, and offers it: the offer stands for a week.
    assert ask(book).status == "requested"
    offered = offer(book)
    assert (offered.status, offered.offered_as, offered.agreed_by) == ("offered", "caller", None)
    assert offered.valid_until == date(2026, 3, 18)

    # The next day she agrees, on a recorded line. Until the ledger answers nobody contacts her.
    book.at("2026-03-12 11:00")
    assert accept(book).status == "accepted"
    assert holds(book) == [("arrangement", "2026-03-12", "2026-03-17")]

    # The ledger replaces the schedule. Nothing is past due any more, and collection stops.
    book.at("2026-03-13 02:00")
    assert confirm(book).status == "applied"
    assert status(book) == "active"
    assert book.one(loan).delinquent_since is None
    assert holds(book)[1] == ("arrangement", "2026-03-13", None)

    # She pays each instalment, one of them four days late, which is within the days of grace.
    days = [row.due_on for row in book.rows(arrangement_instalment)]
    assert days == [date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)]
    amounts = [row.principal + row.interest for row in book.rows(arrangement_instalment)]
    for n, (paid_on, amount) in enumerate(zip(("04-01", "05-05", "06-01"), amounts, strict=True)):
        book.at(f"2026-{paid_on} 00:01")
        assert settle_arrangements(book.ctx) == 0
        assert status(book) == "active"
        pay(book, str(amount), id=f"P-{n + 1}")

    # With the last cent it is completed, and its pause ends.
    assert status(book) == "completed"
    assert holds(book)[1] == ("arrangement", "2026-03-13", "2026-06-01")


def test_a_missed_instalment_that_is_paid_is_not_written_about(book: Book) -> None:
    arranged(book)
    settle_arrangements(book.at("2026-04-08 00:01").ctx)
    assert book.actions("L-1") == {"arrangement_missed_text": "planned"}
    day = book.rows(arrangement_instalment)[0]
    pay(book, str(day.principal + day.interest), id="P-1")
    assert book.actions("L-1") == {"arrangement_missed_text": "cancelled"}
    assert book.one(arrangement).missed == 0


def test_a_deferral_that_nobody_pays_ends_after_its_days_of_grace(book: Book) -> None:
    arranged(book, Wish(days=30))
    settle_arrangements(book.at("2026-04-16 09:00").ctx)
    assert status(book) == "active", "the tenth and five days, of which the last is told today"
    settle_arrangements(book.at("2026-04-17 00:00").ctx)
    assert status(book) == "defaulted"


def test_the_plan_of_somebody_who_has_died_stands_still_until_that_proves_wrong(
    book: Book,
) -> None:
    arranged(book)
    heard = {"borrower": "B-L-1", "kind": "deceased", "starts_on": "2026-03-20", "ends_on": None}
    book.at("2026-03-20 10:00")
    told = tell(book, "hold", hold="H-1", **heard, actor="mei", why="her son called")
    assert told.status == "applied"

    # The first instalment is due on 1 April, and has five days of grace; the next one on 1 May.
    settle_arrangements(book.at("2026-05-20 00:01").ctx)
    assert (status(book), book.one(arrangement).missed, book.actions("L-1")) == ("active", 0, {})

    # It was somebody else of that name. Her days of grace begin anew, and she pays none of it.
    book.at("2026-05-20 10:00")
    told = tell(book, "release", hold="H-1", ends_on="2026-05-20", actor="mei", why="she called")
    assert told.status == "applied"
    settle_arrangements(book.at("2026-05-26 00:01").ctx)
    assert (status(book), book.one(arrangement).missed) == ("active", 0)
    settle_arrangements(book.at("2026-05-27 00:01").ctx)
    assert (status(book), book.one(arrangement).missed) == ("defaulted", 2)


def test_what_a_collector_may_not_agree_to_needs_a_supervisor(book: Book) -> None:
    ask(book, Wish(instalments=12))
    caller = book.ctx.acting(Actor("c-1", roles=frozenset({Role.CALLER})))
    supervisor = book.ctx.acting(Actor("sup-1", roles=frozenset({Role.SUPERVISOR})))
    book.staff("sup-1", "supervisor")
    with pytest.raises(SecondPersonNeededError, match="arrangements:agree"):
        offer_arrangement(caller, "AR-1")
    assert status(book) == "requested"

    decide(supervisor, book.one(second_person_request).id, RequestStatus.GRANTED)
    offered = offer_arrangement(caller, "AR-1").arrangement

    assert (offered.offered_by, offered.offered_as, offered.agreed_by) == (
        "c-1",
        "supervisor",
        "sup-1",
    )


def test_a_request_is_not_granted_for_an_offer_that_another_one_has_overtaken(book: Book) -> None:
    ask(book, Wish(instalments=12))
    caller = book.ctx.acting(Actor("c-1", roles=frozenset({Role.CALLER})))
    supervisor = book.ctx.acting(Actor("sup-1", roles=frozenset({Role.SUPERVISOR})))
    with pytest.raises(SecondPersonNeededError):
        offer_arrangement(caller, "AR-1")
    offer(book, Wish(instalments=3))
    accept(book)

    with pytest.raises(ArrearsError, match=r"AR-1 is accepted.*does the same again") as refused:
        decide(supervisor, book.one(second_person_request).id, RequestStatus.GRANTED)
    assert "还款安排AR-1现为“" in error_in("zh", refused.value)
    decide(supervisor, book.one(second_person_request).id, RequestStatus.REFUSED)
    assert (status(book), book.one(second_person_request).status) == ("accepted", "refused")


def test_a_supervisor_agrees_alone_to_what_a_supervisor_may(book: Book) -> None:
    ask(book, Wish(instalments=12))
    supervisor = book.ctx.acting(Actor("sup-1", roles=frozenset({Role.SUPERVISOR})))
    assert offer_arrangement(supervisor, "AR-1").arrangement.agreed_by is None


def test_money_or_terms_that_came_since_make_an_offer_worthless(book: Book) -> None:
    ask(book)
    offer(book)
    pay(book, "100", id="P-1")
    with pytest.raises(RefusedError, match="Offer it anew"):
        accept(book)
    assert (status(book), holds(book)) == ("offered", [])
    offer(book)

    newer = [replace(each, version=each.version + 1) for each in book.ctx.policy.arrangements]
    terms = (*book.ctx.policy.arrangements, *newer)
    book.ctx = replace(book.ctx, policy=replace(book.ctx.policy, arrangements=terms))
    with pytest.raises(RefusedError, match="Offer it anew"):
        accept(book)
    offer(book)
    assert accept(book).status == "accepted"


def test_an_offer_can_be_accepted_on_its_last_day_and_not_later(book: Book) -> None:
    ask(book)
    offer(book)
    assert settle_arrangements(book.at("2026-03-18 23:00").ctx) == 0
    book.at("2026-03-19 00:10")
    with pytest.raises(RefusedError, match="until 2026-03-18"):
        accept(book)
    assert settle_arrangements(book.ctx) == 1
    assert status(book) == "expired"
    assert ask(book, id="AR-2").status == "requested"

    # She had accepted on the last day, by a letter that comes two days later.
    book.at("2026-03-20 10:00")
    letter = {"arrangement": "AR-1", "loan": "L-1", "accepted_on": "2026-03-18"}
    letter |= {"proof": "letter", "proof_reference": "LT-1", "actor": "sup-1"}
    refused = tell(book, "arrangement_acceptance", **letter)
    assert refused.reason[0].code == "arrangement_open_already"
    withdraw(book, id="AR-2")
    assert tell(book, "arrangement_acceptance", **letter).status == "applied"
    first = next(row for row in book.rows(arrangement) if row.external_id == "AR-1")
    assert (first.status, first.ended_at) == ("accepted", None)
    with book.ctx.engine.connect() as connection:
        story = " ".join(each.text for each in loan_history(connection, book.ctx, "L-1"))
    assert "had been accepted in time, and that was reported later" in story


def test_a_loan_has_one_open_arrangement(book: Book) -> None:
    with pytest.raises(RefusedError, match="2020-01-01 has passed"):
        ask(book, Wish(until=date(2020, 1, 1)))
    ask(book)
    with pytest.raises(RefusedError, match="AR-1 is requested"):
        ask(book, id="AR-2")
    withdraw(book)
    assert ask(book, id="AR-2").status == "requested"


def test_of_two_who_act_at_once_one_wins(book: Book) -> None:
    def try_to(do: object) -> str:
        try:
            return str(do().status)  # type: ignore[operator]
        except ArrearsError:
            return "refused"

    asked = concurrently(*[lambda n=n: try_to(lambda: ask(book, id=f"AR-{n}")) for n in range(3)])
    assert sorted(asked) == ["refused", "refused", "requested"]
    id = book.one(arrangement).external_id
    offer(book, id=id)
    ended = concurrently(
        lambda: try_to(lambda: accept(book, id=id)),
        lambda: try_to(lambda: accept(book, id=id, recording="REC-2")),
    )
    assert sorted(ended) == ["accepted", "refused"]


def test_a_dispute_that_came_since_stands_in_the_way(book: Book) -> None:
    ask(book)
    offer(book)
    told = {"why": "not mine", "actor": "c-1", "starts_on": "2026-03-11"}
    tell(book, "dispute", dispute="D-1", loan="L-1", **told)
    with pytest.raises(RefusedError, match="dispute"):
        accept(book)


def test_a_ledger_that_is_silent_is_a_problem_and_contact_goes_on(book: Book) -> None:
    ask(book)
    offer(book)
    accept(book)
    settle_arrangements(book.at("2026-03-15 12:00").ctx)
    assert book.rows(problem) == []
    settle_arrangements(book.at("2026-03-16 00:00").ctx)
    assert book.one(problem).kind == "arrangement_not_confirmed"
    assert (status(book), holds(book)[0][2]) == ("accepted", "2026-03-16")
    assert settle_arrangements(book.ctx) == 0

    confirm(book)
    assert status(book) == "active"
    assert book.one(problem).resolved_at is not None


def test_a_ledger_that_refuses_declines_it(book: Book) -> None:
    ask(book)
    offer(book)
    accept(book)
    caller = book.ctx.acting(Actor("c-1", roles=frozenset({Role.CALLER})))
    said_no = Ending(arrangement="AR-1", status=ArrangementStatus.DECLINED, refusal=Refusal.SAID_NO)
    withdrawn = Ending(arrangement="AR-1", status=ArrangementStatus.WITHDRAWN)
    for ending in (said_no, withdrawn):
        with pytest.raises(SecondPersonNeededError, match="arrangements:agree"):
            end_arrangement(caller, ending)  # not alone: the borrower has accepted it
    assert (status(book), holds(book)[0][2]) == ("accepted", "2026-03-16")
    settle_arrangements(book.at("2026-03-16 00:00").ctx)
    assert book.one(problem).resolved_at is None

    result = tell(book, "arrangement_refusal", arrangement="AR-1", why="no such product")
    assert result.status == "applied"
    assert (status(book), holds(book)[0][2]) == ("declined", "2026-03-16")
    assert book.one(problem).resolved_at is not None, "its problems end with it"


def test_a_schedule_that_is_exactly_what_was_agreed_needs_no_name(book: Book) -> None:
    ask(book)
    offer(book)
    accept(book)
    confirm(book, id=None)
    assert status(book) == "active"


def test_a_schedule_that_differs_counts_and_is_a_problem(book: Book) -> None:
    ask(book)
    offer(book)
    accept(book)
    confirm(book, [{"due_on": "2026-04-01", "principal": "3700", "interest": "0", "fees": "0"}])
    assert status(book) == "active"
    assert book.one(problem).kind == "arrangement_differs"
    pay(book, "3700", id="P-5")
    assert status(book) == "completed"


def test_a_schedule_that_costs_more_than_the_law_allows_counts_and_is_a_problem(
    book: Book,
) -> None:
    """3,600 of principal is owed, of which March's 920 are past due, and at most 24 % a year is
    allowed: about 70 a month. The ledger asks for 600 until the end of June, and corrects it."""
    ask(book)
    offer(book)
    accept(book)
    dear = [{"due_on": "2026-06-30", "principal": "3600", "interest": "600", "fees": "0"}]
    confirm(book, dear)
    told = {row.kind: row for row in book.rows(problem)}
    assert told["schedule_above_cap"].resolved_at is None
    assert "at most 24 % are allowed" in speak(told["schedule_above_cap"].detail)
    dear[0]["interest"] = "100"
    confirm(book, dear, id=None, restructuring="RS-2")
    told = {row.kind: row for row in book.rows(problem)}
    assert told["schedule_above_cap"].resolved_at is not None


def test_another_schedule_takes_the_place_of_an_active_plan(book: Book) -> None:
    arranged(book)
    later = [{"due_on": "2026-09-01", "principal": "3700", "interest": "0", "fees": "0"}]
    confirm(book, later, id=None, restructuring="RS-2")
    assert (status(book), holds(book)[1][2]) == ("replaced", "2026-03-11")


def test_money_that_bounces_undoes_the_end(book: Book) -> None:
    arranged(book, Wish(days=30))
    day = book.one(arrangement_instalment)
    book.at("2026-04-09 12:00")
    pay(book, str(day.principal + day.interest), id="P-9", instalment="2026-04-10")
    assert status(book) == "completed"
    book.at("2026-04-20 12:00")
    reverse(book, "P-9")
    assert (status(book), holds(book)[-1]) == ("active", ("deferral", "2026-04-20", None))
    settle_arrangements(book.ctx)
    # It is missed; the days of grace begin today.
    assert (status(book), book.one(arrangement).missed) == ("active", 1)
    settle_arrangements(book.at("2026-04-26 12:00").ctx)
    assert status(book) == "active"
    settle_arrangements(book.at("2026-04-27 12:00").ctx)
    assert (status(book), holds(book)[-1][2]) == ("defaulted", "2026-04-27")


def test_a_write_off_declines_what_is_not_active(book: Book) -> None:
    ask(book)
    tell(book, "write_off", loan="L-1", written_off_on="2026-03-11")
    assert status(book) == "declined"


def test_the_ledger_is_told_what_was_agreed_to_the_cent(book: Book) -> None:
    object.__setattr__(book.ctx, "engine", with_outbox(book.ctx.engine))
    ask(book)
    offer(book)
    accept(book)
    told = next(row for row in book.rows(outbox_event) if row.kind == "arrangement.accepted")
    parts = ("principal", "interest", "fees")
    owed = [Decimal(each[p]) for each in told.payload["instalments"] for p in parts]
    assert sum(owed) == Decimal(told.payload["to_pay"]) == book.one(arrangement).to_pay_after
    withdraw(book)
    ended = next(row for row in book.rows(outbox_event) if row.kind == "arrangement.ended")
    assert ended.payload["status"] == "withdrawn"


def test_events_of_machines_ask_and_accept(book: Book) -> None:
    asked = {"asked_by": "form", "asked_in": "F-77", "instalments": 3}
    assert (
        tell(book, "arrangement_request", arrangement="AR-1", loan="L-1", **asked).status
        == "applied"
    )
    offer(book)
    proof = {"accepted_on": "2026-03-11", "proof": "form", "proof_reference": "F-78"}
    told = tell(book, "arrangement_acceptance", arrangement="AR-1", loan="L-1", **proof)
    assert told.status == "applied"
    again = tell(book, "arrangement_acceptance", arrangement="AR-1", loan="L-1", **proof)
    assert again.reason[0].code == "arrangement_known"
    assert book.one(arrangement).asked_by == "form"
    assert len(book.rows(select(replaced_schedule))) == 0


def test_who_has_no_role_for_it_offers_nothing(book: Book) -> None:
    ask(book)
    operator = book.ctx.acting(Actor("op-1", roles=frozenset({Role.OPERATOR})))
    with pytest.raises(NotPermittedError, match="arrangements:offer"):
        offer_arrangement(operator, "AR-1")


def test_the_history_tells_all_of_it_in_both_languages(book: Book) -> None:
    arranged(book)
    with book.ctx.engine.connect() as connection:
        english = "\n".join(each.text for each in loan_history(connection, book.ctx, "L-1"))
        chinese = "\n".join(
            each.text for each in loan_history(connection, book.ctx, "L-1", language="zh")
        )
    assert "Arrangement AR-1 was asked for (call); c-1 recorded it." in english
    assert "c-1 offered it as caller: instalment plan by the terms arrangements_cn v2" in english
    assert "accepted arrangement AR-1 on 2026-03-11 (proof: recording REC-1)" in english
    assert "The lender's ledger confirmed arrangement AR-1: it is active." in english
    assert "借款人申请还款安排AR-1（途径：电话）" in chinese
    assert "账务系统已确认还款安排AR-1" in chinese


@pytest.mark.parametrize(
    "words", ["你好，我失业了，能不能延期两个月？", "I lost my job. Is a payment plan possible?"]
)
def test_a_text_that_asks_for_time_is_a_request_that_a_person_answers(
    book: Book, words: str
) -> None:
    text_comes(book, words)
    asked = book.one(arrangement)
    assert (asked.status, asked.asked_by, asked.asked_in) == ("requested", "text", SID)
    assert (asked.kind, asked.sender) == (None, "twilio")
    assert book.one(reply).to_read, "the words are read by a person"
    # Who reads it offers what the text asks for; the id of the text is enough.
    assert offer(book, Wish(days=30), id=asked.external_id).kind == "deferral"
    text_comes(book, words)
    assert len(book.rows(arrangement)) == 1


@pytest.mark.parametrize("words", ["STOP", "好的，谢谢", "Who are you?"])
def test_a_text_that_asks_for_something_else_is_none(book: Book, words: str) -> None:
    text_comes(book, words)
    assert book.rows(arrangement) == []


def test_a_text_about_a_loan_with_an_open_arrangement_waits_to_be_read_and_no_more(
    book: Book,
) -> None:
    ask(book)
    text_comes(book, "分期")
    assert [row.external_id for row in book.rows(arrangement)] == ["AR-1"]
    assert book.one(reply).to_read


SID = f"SM{7:032x}"


def text_comes(book: Book, words: str) -> None:
    text = InboundText("twilio", SID, PHONE["CN"], words, None)
    record_inbound_text(book.ctx, text, help_is_answered=False)


def test_who_asks_for_it_on_the_telephone_has_asked_for_it(book: Book) -> None:
    book.staff("c-1", "caller", shift=("2026-03-11 08:00", "2026-03-11 20:00"))
    book.escalate("L-1")
    assign_call(book.ctx, book.action_id("L-1", "enquiry_call"))
    attempt = book.called("L-1", "c-1", "asks_plan", reason="unemployed")
    asked = book.one(arrangement)
    assert (asked.status, asked.asked_by, asked.asked_in) == ("requested", "call", attempt)
    assert asked.requested_by == "c-1"
    assert offer(book, Wish(instalments=3), id=asked.external_id).status == "offered"
