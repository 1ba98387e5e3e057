"""How many bytes does a row of each table that grows take, with its indexes?

`docs/growth.md` reckons a year of a large book with them. The rows are those that Arrears itself
writes on its first day: looks, texts, receipts, links. Only what people and tapes would bring is
put in by hand.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select, text

from domain.messages import MessageStatus
from tests.benchmarks.book import a_book, planned_texts
from tests.benchmarks.figures import Figure, expect
from tests.benchmarks.measuring import note
from tests.benchmarks.places import Places, run_outside_transactions
from tests.benchmarks.sizes import Size
from tests.support.fakes import FakeSmsGateway
from tests.support.loans import only
from workers.context import Context
from workers.daily.month_end import take_batch
from workers.db.outbox import with_outbox
from workers.db.schema import message, metadata
from workers.escalation.escalate import escalate_loans
from workers.escalation.scan import Envelope, scan_portfolio
from workers.evidence.chain import chain_evidence
from workers.inbox.submit import submit
from workers.sms.delivery_receipts import receipt_payload
from workers.sms.providers.port import StatusReport
from workers.sms.send import send_sms

LOANS = 10_000
"""All of them due: enough for the last page of a table not to count."""

TEXTS = 2_000
HEADS, FEW = 1_000, 10
"""As on a quiet night: that many heads, each for a few links."""

RECEIPTS = (MessageStatus.SENT, MessageStatus.DELIVERED)

ADDED_TO = (
    *("decision", "action_event", "contact", "contact_outcome", "receipt"),
    *(
        "access",
        "evidence_link",
        "evidence_head",
        "scan_run",
        "payment",
        "allocation",
        "tape_change",
        *("loan_day", "loan_month"),
    ),
)
CHANGED_LATER = ("action", "message", "outbox_event", "inbox_event")
"""What an update leaves behind is used again, so that only rows as they end up are measured."""

# What no machine writes: outcomes that people report, money, tapes, and the days of a year.
_BY_HAND = (
    "INSERT INTO contact_outcome (contact_id, outcome, connected, reason, actor, reported_at)"
    " SELECT id, 'spoke', true, 'forgot', 'C-' || 1000 + id % 500, :now FROM contact",
    "INSERT INTO access (loan_id, at, what, purpose, actor, item)"
    " SELECT id, :now, 'number', 'call', 'C-1017', 'enquiry_call' FROM loan",
    "INSERT INTO payment (sender, external_id, loan_id, amount, currency, paid_on, recorded_at)"
    " SELECT 'lender', 'P-2026-' || 100000000 + id, id, 322.11, 'USD', :today, :now FROM loan",
    "INSERT INTO allocation (payment_id, due_on, component, amount)"
    " SELECT id, paid_on, component, amount / 2"
    " FROM payment, unnest(ARRAY['interest', 'principal']) component",
    "INSERT INTO tape_import (file_name, mapping, as_of, rows_taken, rows_rejected, status,"
    " imported_at)"
    " VALUES ('book.csv', 'book', :today, 0, 0, 'finished', :now)",
    "INSERT INTO tape_change (tape_import_id, loan_id, at, delinquent_since_before, "
    "past_due_before,"
    " delinquent_since_after, past_due_after)"
    " SELECT i.id, l.id, :now, delinquent_since, 322.11, delinquent_since, 644.22 FROM "
    "tape_import i, loan l",
    "INSERT INTO scan_run (business_date, started_at, finished_at, loans, envelopes, policy_digest)"
    " SELECT business_date - n, started_at, finished_at, loans, envelopes, policy_digest"
    " FROM scan_run, generate_series(1, 3650) n",
    "UPDATE outbox_event SET status = 'delivered', due_at = NULL, completed_at = :now, attempts "
    "= 1",
)


def measure(places: Places, size: Size) -> list[Figure]:
    with a_book(places, LOANS, LOANS) as given:
        ctx = replace(
            given, engine=with_outbox(given.engine), sms=only(FakeSmsGateway()), lender_webhook=None
        )
        _work(ctx)
        run_outside_transactions(
            ctx.settings.database_url, *(f"VACUUM FULL {table}" for table in CHANGED_LATER)
        )
        with ctx.engine.connect() as connection:
            return [
                figure
                for table in sorted((*ADDED_TO, *CHANGED_LATER))
                for figure in _of_a_table(connection, table)
            ]


def _work(ctx: Context) -> None:
    note(f"reviewing {LOANS:,} loans, sending {TEXTS:,} texts, taking their receipts")

    def escalate(envelopes: list[Envelope]) -> None:
        for envelope in envelopes:
            escalate_loans(ctx, envelope.loan_ids)

    scan_portfolio(ctx, escalate)
    for action_id in planned_texts(ctx, TEXTS):
        expect("outcome of a text", send_sms(ctx, action_id), "accepted")
    for sent in _texts(ctx):
        for word in RECEIPTS:
            report = StatusReport(
                reference=sent.id,
                provider="twilio",
                sid=sent.sid,
                word=word,
                status=word,
                code=None,
            )
            result = submit(
                ctx, f"twilio:{sent.sid}:{word}", "receipt", receipt_payload(report, ctx.cipher)
            )
            expect("what came of a receipt", result.status, "applied")
    with ctx.engine.begin() as connection:
        after, month_end = 0, ctx.today().replace(day=1) - timedelta(1)
        while done := take_batch(connection, month_end, "M0", ctx.now(), after).last:
            after = done
        for statement in _BY_HAND:
            connection.execute(text(statement), {"now": ctx.now(), "today": ctx.today()})
    for _ in range(HEADS):
        chain_evidence(ctx, limit=FEW)
    while chain_evidence(ctx):
        pass


def _texts(ctx: Context) -> list[Row[*tuple[Any, ...]]]:
    with ctx.engine.connect() as connection:
        return list(connection.execute(select(message.c.id, message.c.sid)))


def _of_a_table(connection: Connection, table: str) -> list[Figure]:
    """The bytes of a row, with its part of the indexes and of what is stored out of line."""
    whole, indexes = connection.execute(
        select(func.pg_total_relation_size(table), func.pg_indexes_size(table))
    ).one()
    rows = connection.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one()
    return [
        Figure(f"a row of {table}", "bytes", (whole / rows,)),
        Figure(f"a row of {table}, of it indexes", "bytes", (indexes / rows,)),
    ]
