"""Opt-outs: a person asked not to be contacted by one channel, or at all."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from domain.actors import Actor
from domain.compliance.fact_reach import ReachingFact, reach_of
from domain.compliance.frequency_caps import Scope
from domain.compliance.rules import packs_for
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact
from domain.events import RejectedError
from domain.persons import PersonFact
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.contact_points import note_number_fact
from workers.db.loans import not_known_yet
from workers.db.numbers import lock_numbers_of
from workers.db.person_facts import FactDetails, note_person_fact
from workers.db.persons import is_erased, lock_known_borrower, lock_loans_of_person
from workers.db.schema import loan
from workers.db.typed_rows import columns_of, typed_row
from workers.escalation.reassess import reassess


def record_opt_out(
    connection: Connection,
    ctx: Context,
    external_id: str,
    channel: Channel | None,
    actor: Actor,
    *,
    only_about: str | None = None,
    received_at: datetime | None = None,
) -> Reasons:
    """Never contact a person through `channel` again. None: through no channel at all.

    In the caller's transaction. It holds for every record and every loan of the person. An opt-out
    of texts holds for the record's numbers too. Returns what came of it. Only the borrower can take
    this back, by a text that says START. Legal files stay possible: they contact nobody.

    A request for no contact at all may name one loan, `only_about`. It then counts for that debt,
    as 15 U.S.C. 1692c(c) says, unless a law of the loan lets such a request reach the whole person.
    It counts from when it came in, `received_at`; None: now.

    Raises:
        NotYetError: the borrower, or the loan, is not known.
        RejectedError: what was held about the borrower was erased, or the loan is somebody else's.
    """
    now = ctx.now()
    since = received_at or now
    record = lock_known_borrower(connection, external_id, "opt_out")
    if is_erased(connection, record):
        raise RejectedError(ReasonCode.BORROWER_WAS_ERASED, borrower=external_id)
    loans = lock_loans_of_person(connection, record.id)
    if channel is None:
        debt = (
            None
            if only_about is None
            else one_debt(connection, ctx, only_about, ReachingFact.CEASED, "opt_out", loans)
        )
        about = FactDetails(loan_id=debt)
        new = note_person_fact(connection, record.id, PersonFact.CEASED, actor, since, about)
        result = because(ReasonCode.NOBODY_CONTACTS, borrower=external_id)
    else:
        by = FactDetails(channel=channel)
        new = note_person_fact(connection, record.id, PersonFact.NO_CHANNEL, actor, since, by)
        result = because(ReasonCode.NOT_REACHED_BY, borrower=external_id, channel=channel)
    if channel is Channel.SMS:
        for number in lock_numbers_of(connection, [record.id])[record.id]:
            point = number.contact_point_id
            new |= note_number_fact(connection, point, NumberFact.OPTED_OUT, actor, since)
    reassess(connection, ctx, loans, now)
    return result if new else because(ReasonCode.OPT_OUT_KNOWN, borrower=external_id)


def one_debt(
    connection: Connection,
    ctx: Context,
    external_id: str,
    fact: ReachingFact,
    event: str,
    of_person: Collection[int],
) -> int | None:
    """The loan to which a fact that names it is limited; None if its law reaches the person.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: it is not one of the person's loans.
    """
    named = loan_of_person(connection, external_id, event, of_person)
    packs = packs_for(ctx.policy.rule_packs, named.jurisdiction)
    to_person = reach_of(packs, fact, ctx.today()) is Scope.PERSON
    return None if to_person else named.id


class NamedLoan(NamedTuple):
    """A loan that an event names."""

    id: int
    jurisdiction: str


def loan_of_person(
    connection: Connection, external_id: str, event: str, of_person: Collection[int]
) -> NamedLoan:
    """The loan with the lender's id, which is one of the person's.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: it is not one of the person's loans.
    """
    named = typed_row(
        NamedLoan,
        connection.execute(
            select(*columns_of(NamedLoan, loan)).where(loan.c.external_id == external_id)
        ),
    )
    if named is None:
        raise not_known_yet(external_id, event)
    if named.id not in of_person:
        raise RejectedError(ReasonCode.LOAN_OF_SOMEBODY_ELSE, loan=external_id)
    return named
