"""No index is there for nothing: each has a query that needs it, or a promise that it keeps.

The work of the house is done on full tables, each statement is planned as it is sent, and nothing
of it stays. An index that is new, or that its query needs no longer, fails here by name.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, UniqueConstraint, select
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from domain.actors import Actor, Role
from domain.compliance.vocabulary import Channel
from domain.errors import ArrearsError
from tests.support.acting import acting
from tests.support.databases import new_database
from tests.support.full_tables import fill_and_analyse
from tests.support.index_purposes import NEEDED
from tests.support.index_uses import (
    DUE,
    PAST_DUE,
    Ask,
    a_claim,
    a_page_of_problems,
    a_payment_comes_in,
    a_receipt_comes_in,
    a_text_comes_in,
    actions_wake,
    events_wake,
    payments_come_in_together,
    the_totals_of_a_day,
)
from tests.support.loans import Book
from tests.support.plans import nothing_stays, planned
from workers.access.may_handle import assert_may_handle, of_loan
from workers.actions import dead_letters
from workers.attempts import attempts, call_plans
from workers.borrowers import reply_queue
from workers.calls import asked_call
from workers.context import Context
from workers.db import messages, staff
from workers.db.engine import connect
from workers.db.kept_away import kept_away_from
from workers.db.schema import action, call, contact, loan, metadata
from workers.escalation import reassess, scan
from workers.escalation.escalate import escalate_loans
from workers.evidence import chain
from workers.history.history import loan_history
from workers.inbox.apply import dispatch_events
from workers.privacy import pruning, subject_export
from workers.sms import reconcile
from workers.staff.work_items import Kind
from workers.staff.worklist import read_work
from workers.visits import start as making_visits
from workers.visits.letters import open_letter

# The tables are filled first, which takes a busy machine minutes.
pytestmark = pytest.mark.timeout(400)


def what_was_to_be_learnt(connection: Connection, _: Context) -> object:
    made = connection.execute(
        select(contact, loan.c.external_id)
        .join(loan, loan.c.id == contact.c.loan_id)
        .where(contact.c.attempt == f"A-1-{PAST_DUE}")
    ).one()
    return call_plans.called_actions(connection, [made.action_id or 0])


def the_newest_letter(_: Connection, ctx: Context) -> object:
    with pytest.raises(ArrearsError, match="was erased"):  # the tables hold no letter's words
        open_letter(acting(ctx, Actor("S-1")), f"L-{PAST_DUE}")
    return None


def work_list(kind: Kind) -> Ask:
    return lambda connection, ctx: read_work(connection, ctx, ctx.today(), {kind})


def whom_one_must_not_handle(connection: Connection, ctx: Context) -> object:
    """Asked before somebody does anything about a person, of a complaint, and of every list."""
    me = Actor("S-3", roles=frozenset({Role.CALLER}))
    assert_may_handle(connection, me, of_loan(f"L-{PAST_DUE}"))
    kept_away_from(connection, PAST_DUE)
    return read_work(connection, acting(ctx, me).acting(me), ctx.today(), {Kind.CALLS})


ALL_DAY: dict[str, Ask] = {
    "an envelope": lambda c, h: escalate_loans(h, DUE),
    "the scan": lambda c, h: scan.scan_portfolio(h, lambda _: None),
    "a claim": a_claim,
    "a payment": a_payment_comes_in,
    "payments together": payments_come_in_together,
    "a receipt": a_receipt_comes_in,
    "a text that comes in": a_text_comes_in,
    "waking actions": actions_wake,
    "waking events": lambda c, h: dispatch_events(h),
    "waking the outbox": events_wake,
    "lost claims": lambda c, h: reconcile.mark_lost_claims(h),
    "asking providers": lambda c, h: reconcile._take_for_lookup(c, h.now()),
    "parking texts": lambda c, h: reconcile.park_old(h),
    "settling texts whose answer was lost": lambda c, h: reconcile.resolve_confirmed(h),
    "who refused a text that is tried again": lambda c, h: messages.providers_that_refused(
        c, [PAST_DUE]
    ),
    "chaining": lambda c, h: chain.chain_evidence(h, limit=100),
    "when visitors are free": lambda c, h: staff.lock_visitors(
        c, h.now(), h.now() + timedelta(days=5)
    ),
    "assigning replies": lambda c, h: reply_queue.assign_replies(h),
    "closing paid cases": lambda c, h: reassess.close_paid_cases(h, limit=5),
}
"""What runs every few seconds, or for every loan."""


PEOPLE_ASK: dict[str, Ask] = {
    "a call that is started": lambda c, h: asked_call.open_call(c, f"L-{PAST_DUE}", None, of=None),
    "a visit that is started": lambda c, h: making_visits._visit_of(c, f"L-{PAST_DUE}"),
    "what a call had to learn, when its outcome is told": what_was_to_be_learnt,
    "the attempt that a person ends": lambda c, h: attempts.find_open_attempt(
        c, h, f"L-{PAST_DUE}", Channel.CALL
    ),
    "the newest letter": the_newest_letter,
    "the history of an action": lambda c, h: dead_letters.read_history(c, PAST_DUE, h),
    "whom one must not handle": whom_one_must_not_handle,
    "the story of a loan": lambda c, h: loan_history(c, h, f"L-{PAST_DUE}"),
    "a page of what is open": a_page_of_problems,
    "work lists: calls": work_list(Kind.CALLS),
    "work lists: visits": work_list(Kind.VISITS),
    "work lists: approvals": work_list(Kind.APPROVALS),
}
"""What people ask about one loan, or about what waits for them."""


FALLS_SHORT: dict[str, tuple[str, Ask, str]] = {
    "pruning events out": (
        "outbox_event",
        lambda c, h: pruning.prune(h),
        "once a day, the oldest first: only the last piece finds too few and reads on to the end",
    ),
    "pruning events in": ("inbox_event", lambda c, h: pruning.prune(h), "the same"),
    "work lists: files": (
        "action",
        work_list(Kind.FILES),
        "asked seldom, and for all files that stand: few loans get as far as a file",
    ),
    "all that is held about a person": (
        "call",
        lambda c, h: c.execute(subject_export._rows(call, {loan: [7], action: [7]}, 7)),
        "a person asks seldom, and may wait: it follows every reference, and not each has an index",
    ),
}
"""What is about one loan or a few, and reads a large table through all the same: which, and why it
is left so. What is about the whole house (status, audit, verify) is not in it."""


FEW = {"arrangement", "arrangement_return", "complaint", "dispute"}
"""Tables of so few rows that the totals of a day may read all of them, once a night: an index for
it would cost more than it saves."""


@pytest.fixture(scope="module")
def ctx(postgres_server: str, migrated_template: str) -> Iterator[Context]:
    """A house whose tables are full."""
    with new_database(postgres_server, template=migrated_template) as url:
        engine = connect(url.render_as_string(hide_password=False))
        fill_and_analyse(engine)
        yield Book(engine, now="2026-03-02 10:00").ctx
        engine.dispose()


def test_each_index_says_what_it_is_for_and_none_is_told_of_that_is_gone() -> None:
    indexes = {str(index.name) for table in metadata.sorted_tables for index in table.indexes}
    constraints = {
        str(constraint.name)
        for table in metadata.sorted_tables
        for constraint in table.constraints
        if isinstance(constraint, (UniqueConstraint, ExcludeConstraint))
    }

    assert sorted(indexes | constraints) == sorted(NEEDED)


@pytest.mark.parametrize("index", sorted(name for name, (_, ask) in NEEDED.items() if ask))
def test_an_index_is_used_by_the_work_that_it_is_for(ctx: Context, index: str) -> None:
    why, ask = NEEDED[index]
    assert ask is not None
    with nothing_stays(ctx) as (connection, same_context), planned(connection) as plans:
        ask(connection, same_context)

    assert index in plans.indexes, f"{index} is there for this, and not used: {why}"
    once_a_night = FEW if ask is the_totals_of_a_day else set()
    read_through = plans.read_through.keys() - once_a_night
    assert not read_through, f"{why}: reads all of {read_through}"


def test_a_claim_looks_up_pending_events_by_its_loan_and_its_borrower(ctx: Context) -> None:
    """Not among all that waits: on a day with much news each claim would read all of it."""
    with nothing_stays(ctx) as (connection, same_context), planned(connection) as plans:
        a_claim(connection, same_context)

    for index, key in (
        ("inbox_event_loan_unapplied_idx", "loan"),
        ("inbox_event_borrower_waiting_idx", "borrower"),
    ):
        assert any(index == used and f"->> '{key}'" in actor for used, actor in plans.sought), (
            plans.sought
        )


@pytest.mark.parametrize("work", sorted(ALL_DAY | PEOPLE_ASK))
def test_what_is_done_or_asked_all_day_reads_no_large_table_through(
    ctx: Context, work: str
) -> None:
    with nothing_stays(ctx) as (connection, same_context), planned(connection) as plans:
        (ALL_DAY | PEOPLE_ASK)[work](connection, same_context)

    assert not plans.read_through


@pytest.mark.parametrize("work", sorted(FALLS_SHORT))
def test_what_falls_short_still_does_or_is_to_be_struck_off(ctx: Context, work: str) -> None:
    table, ask, _why = FALLS_SHORT[work]
    with nothing_stays(ctx) as (connection, same_context), planned(connection) as plans:
        ask(connection, same_context)

    assert table in plans.read_through, f"{work}: {table} is not read through any more"
