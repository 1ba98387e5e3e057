"""Work whose statements use an index, one function a piece of work."""

from collections.abc import Callable
from datetime import UTC, date, timedelta
from decimal import Decimal
from hashlib import sha256
from uuid import uuid4

from sqlalchemy import Connection, exists, select

from domain.actions import SEND_SMS
from domain.actors import Actor
from domain.collectors import business_day
from domain.disputes import Matter
from domain.language.speak import speak
from domain.messages import MessageStatus
from domain.outcome_follows import Owner
from tests.support.inbound import record_inbound_text
from workers.attempts import duties
from workers.calls import pace
from workers.context import Context
from workers.daily.calendar_buckets import note_calendar_buckets
from workers.daily.totals import write_totals
from workers.db import (
    action_claims,
    callers,
    due_actions,
    outbox,
    party_checks,
    served_work,
    work_leases,
    working_collectors,
)
from workers.db.duties import end_duties_of_matter
from workers.db.inbox_queue import BATCH_SIZE
from workers.db.loan_facts import load_facts
from workers.db.pages import Asked
from workers.db.schema import (
    access,
    borrower,
    call,
    contact,
    evidence_link,
    loan,
    matter_change,
    must_not_handle,
    party_check,
    reply,
    work_lease,
    work_takeover,
)
from workers.escalation import scan
from workers.escalation.reassess import reassess
from workers.gate.locked_action import lock_action
from workers.history import (
    history,
    incoming,
    matters,
)
from workers.history.loan import ExplainedLoan
from workers.inbox.apply import apply_events
from workers.inbox.store import store_event
from workers.operations.problems import read_problems
from workers.payments.payments import Payment, payment_payload, record_payment
from workers.privacy import subject_export
from workers.sms import delivery_receipts as receipts
from workers.sms.providers.port import InboundText
from workers.workforce import members

Ask = Callable[[Connection, Context], object]
LEASE = timedelta(minutes=5)
PAST_DUE = 100
ADDRESS_OF_SOMEBODY = sha256((30_000 + PAST_DUE).to_bytes(8, "big")).digest()
DUE = list(range(50, 550, 50))


def explained(connection: Connection) -> ExplainedLoan:
    return history._find(connection, f"L-{PAST_DUE}")


def facts(connection: Connection, ctx: Context) -> object:
    return load_facts(connection, [PAST_DUE], ctx.now())


def a_text_comes_in(_: Connection, ctx: Context) -> object:
    came = InboundText("twilio", "RE-5", "+8613800138000", "STOP", None)
    return record_inbound_text(ctx, came, help_is_answered=True)


def a_payment_comes_in(connection: Connection, ctx: Context) -> object:
    paid = Payment("N-1", f"L-{PAST_DUE}", Decimal(10), "CNY", ctx.today())
    return record_payment(connection, ctx, paid)


def payments_come_in_together(connection: Connection, ctx: Context) -> object:
    """Three, of which one pays more than all that is owed, and all that waits besides."""
    paid = [
        Payment(f"N-{n}", f"L-{50 * n}", Decimal(900 * n), "CNY", ctx.today()) for n in (1, 2, 3)
    ]
    ids = [
        store_event(connection, payment.external_id, "payment", payment_payload(payment), ctx.now())
        for payment in paid
    ]
    settled = apply_events(ctx, ids)
    assert len(settled) == 3 + BATCH_SIZE
    assert [result.status for result in settled[-3:]] == ["applied"] * 3
    assert "left over" in speak(settled[-1].reason)
    return settled


def a_policy_comes_in(connection: Connection, ctx: Context) -> None:
    scan._open_run(connection, ctx.today(), ctx.now(), "another policy")


A_DAY = date(2026, 1, 31)
"""On which nothing was recorded, in tables that hold what other days recorded."""


def the_totals_of_a_day(connection: Connection, ctx: Context) -> object:
    return write_totals(connection, A_DAY, ctx.now(), counts_work=True)


def buckets_change(connection: Connection, ctx: Context) -> object:
    return note_calendar_buckets(connection, A_DAY, ctx.policy.buckets[0], ctx.now())


def facts_are_reassessed(connection: Connection, ctx: Context) -> object:
    return reassess(connection, ctx, DUE, ctx.now())


def a_receipt_comes_in(connection: Connection, ctx: Context) -> object:
    named = {"message_id": None, "provider": "twilio", "sid": "SM-5"}
    known = {"word": "sent", "code": None, "status": MessageStatus.SENT}
    return receipts.record_receipt(connection, ctx, {**named, **known})


def a_page_of_problems(connection: Connection, ctx: Context) -> object:
    return read_problems(connection, ctx, Asked(limit=50))


def looks_are_read(connection: Connection, _: Context) -> object:
    ids = {loan: [7], borrower: [7], reply: [7]}
    return connection.execute(subject_export._rows(access, ids, 7))


def calls_are_counted(connection: Connection, ctx: Context) -> object:
    return pace.lock_recent_calls(connection, Actor("C-1"), ctx.now(), machine=Actor("dialer"))


def work_is_served(connection: Connection, ctx: Context) -> object:
    now, actor = ctx.now(), Actor("S-3")
    me = working_collectors.read_collector(connection, actor, now, business_day(now), now)
    assert me is not None
    work_leases.lease_of(connection, me.id)
    return served_work.read_waiting(connection, me.id, now, now, now, tuple(Owner))


def checks_are_read(connection: Connection, _: Context) -> object:
    return connection.execute(subject_export._rows(party_check, {contact: [7], borrower: [7]}, 7))


def changes_of_matters(connection: Connection, _: Context) -> object:
    return list(matters.matters(connection, explained(connection), UTC))


def changes_of_person(connection: Connection, _: Context) -> object:
    return connection.execute(select(matter_change).where(matter_change.c.borrower_id == 7)).all()


def duties_are_read(connection: Connection, ctx: Context) -> object:
    return duties.read_duties(connection, ctx, Asked(50))


def duties_of_a_loan(connection: Connection, ctx: Context) -> None:
    end_duties_of_matter(connection, Matter.DISPUTE, 3, 7, "s-1", ctx.now())


def checks_are_counted(connection: Connection, ctx: Context) -> object:
    return party_checks.checks_of_attempt(connection, 7)


def leases_are_read(connection: Connection, _: Context) -> object:
    ids = {loan: [7], borrower: [7], reply: [7], call: [7], work_lease: [7]}
    rows = connection.execute(subject_export._rows(work_lease, ids, 7)).all()
    return rows, connection.execute(subject_export._rows(work_takeover, ids, 7))


def who_calls(connection: Connection, ctx: Context) -> object:
    now, later = ctx.now(), ctx.now() + timedelta(days=1)
    return callers.read_callers(connection, now, later, 75)


def who_is_away(connection: Connection, ctx: Context) -> object:
    return members.read_member(connection, "S-1", ctx.now(), [PAST_DUE])


def who_is_barred(connection: Connection, _: Context) -> object:
    of = must_not_handle.c.borrower_id == PAST_DUE
    return connection.execute(select(must_not_handle.c.staff_id).where(of)).all()


def events_wake(connection: Connection, ctx: Context) -> object:
    return outbox.dispatch_due(connection, ctx.now(), again_after=LEASE, limit=100)


def actions_wake(connection: Connection, ctx: Context) -> object:
    return due_actions.take_due(connection, SEND_SMS, ctx.now(), again_after=LEASE, limit=100)


def a_claim(connection: Connection, ctx: Context) -> object:
    lock_action(connection, PAST_DUE, SEND_SMS)
    now = ctx.now()
    return action_claims.claim_actions(
        connection, [PAST_DUE], uuid4(), now, LEASE, others_due_by=now + timedelta(days=1)
    )


def claims_and_events_that_did_nothing(connection: Connection, ctx: Context) -> object:
    a_claim(connection, ctx)
    return list(incoming.events(connection, explained(connection)))


def links_of_a_head(connection: Connection, _: Context) -> object:
    return connection.execute(
        select(evidence_link.c.digest)
        .where(evidence_link.c.evidence_head_id == 7)
        .order_by(evidence_link.c.id)
    )


def a_link_of_a_row(connection: Connection, _: Context) -> object:
    same = (evidence_link.c.kind == "decision") & (evidence_link.c.row_id == 7)
    return connection.execute(select(exists().where(same)))
