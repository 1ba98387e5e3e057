"""One loan, reviewed the way a manual would: get it, read what it refers to, add rows, commit."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, relationship, sessionmaker

from domain import decision
from domain.compliance.rules import packs_for
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberOnRecord
from domain.decision import Outcome, Snapshot
from domain.holds import Hold, HoldKind
from domain.loans import Instalment
from domain.persons import PersonFact
from workers.bootstrap import process_context
from workers.context import Context
from workers.db import schema
from workers.db.loan_facts import LoanFacts, Reach
from workers.escalation.record import first_move
from workers.gate.facts import contact_facts, precheck


class Base(DeclarativeBase):
    metadata = schema.metadata


class BorrowerRow(Base):
    __table__ = schema.borrower
    numbers: Mapped[list[NumberRow]] = relationship(order_by=schema.borrower_number.c.position)
    facts: Mapped[list[PersonFactRow]] = relationship()
    contacts: Mapped[list[ContactRow]] = relationship()


class PointRow(Base):
    __table__ = schema.contact_point


class NumberRow(Base):
    __table__ = schema.borrower_number
    point: Mapped[PointRow] = relationship()


class PersonFactRow(Base):
    __table__ = schema.person_fact


class ContactRow(Base):
    __table__ = schema.contact


class InstalmentRow(Base):
    __table__ = schema.instalment


class HoldRow(Base):
    __table__ = schema.hold


class CaseRow(Base):
    loan_id: Mapped[int]
    closed_at: Mapped[datetime | None]
    __table__ = schema.collection_case


class DecisionRow(Base):
    __table__ = schema.decision
    actions: Mapped[list[ActionRow]] = relationship()


class ActionRow(Base):
    __table__ = schema.action


class LoanRow(Base):
    review_on: Mapped[date | None]
    __table__ = schema.loan
    borrower: Mapped[BorrowerRow] = relationship()
    instalments: Mapped[list[InstalmentRow]] = relationship(order_by=schema.instalment.c.due_on)
    holds: Mapped[list[HoldRow]] = relationship()
    actions: Mapped[list[ActionRow]] = relationship(viewonly=True)


@cache
def sessions() -> sessionmaker[Session]:
    """This process's sessions, on an engine with its defaults."""
    return sessionmaker(create_engine(process_context().settings.database_url))


def review(loan_id: int) -> None:
    """Decide a loan that is due for review, and put the decision on record. One transaction."""
    ctx = process_context()
    now = ctx.now()
    with sessions().begin() as session:
        loan = session.get(LoanRow, loan_id, with_for_update=True)
        if loan is None or loan.review_on is None or loan.review_on > now.date():
            return
        if loan.actions:
            raise NotImplementedError("The textbook knows the first day only.")
        _decide(session, ctx, loan, now)


def _decide(session: Session, ctx: Context, loan: Any, now: datetime) -> None:
    facts = _facts(loan)
    ladder = ctx.ladder_of(loan, now.date())
    snapshot = Snapshot(
        loan_id=loan.id,
        instalments=facts.instalments,
        holds=facts.holds,
        steps_tried=frozenset(loan.steps_tried),
        steps_tried_at=loan.steps_tried_at,
        written_off=facts.written_off,
    )
    d = decision.decide(snapshot, ladder, now)
    row = _decision_row(d, [p.name for p in packs_for(ctx.policy.rule_packs, loan.jurisdiction)])
    for step, item in d.plan:
        asked = contact_facts(ctx, loan.id, loan.jurisdiction, facts, d.arrears, ladder, item, now)
        move = first_move(d, item, precheck(asked, item.do, now), now)
        row.actions.append(_action_row(d, step, item, move, now))
    for step, item in d.skip:
        missed = first_move(d, item, None, now, missed=True)
        row.actions.append(_action_row(d, step, item, missed, now))
    session.add(row)
    open_case = select(CaseRow).where(CaseRow.loan_id == loan.id, CaseRow.closed_at.is_(None))
    if d.arrears.past_due and session.scalar(open_case) is None:
        session.add(CaseRow(loan_id=loan.id, opened_on=d.on))
    written_off = d.outcome is Outcome.WRITTEN_OFF
    loan.delinquent_since = None if written_off else d.arrears.delinquent_since
    loan.ladder_since = None if written_off else d.ladder_since
    loan.review_on = d.review_on
    loan.updated_at = now


def _facts(loan: Any) -> LoanFacts:
    borrower = loan.borrower
    if borrower.contacts:
        raise NotImplementedError("The textbook knows the first day only.")
    reachable = {Channel.LEGAL}
    if borrower.numbers:
        reachable |= {Channel.SMS, Channel.CALL}
    if borrower.address_encrypted is not None:
        reachable.add(Channel.VISIT)
    return LoanFacts(
        jurisdiction=loan.jurisdiction,
        product=loan.product,
        currency=loan.currency,
        instalments=tuple(
            Instalment(
                instalment.due_on,
                *(getattr(instalment, part) for part in ("principal", "interest", "fees")),
                *(
                    getattr(instalment, f"paid_{part}")
                    for part in ("principal", "interest", "fees")
                ),
            )
            for instalment in loan.instalments
        ),
        holds=tuple(Hold(HoldKind(hold.kind), hold.starts_on, hold.ends_on) for hold in loan.holds),
        actions=(),
        reach=Reach(
            zones=tuple(borrower.zones),
            locale=borrower.locale,
            reachable=frozenset(reachable),
            person_facts=frozenset(PersonFact(fact.kind) for fact in borrower.facts),
            consents=(),
            inconvenient_times=(),
            inconvenient_places=(),
            refused_channels=frozenset(
                Channel(fact.channel) for fact in borrower.facts if fact.channel
            ),
            numbers=tuple(
                NumberOnRecord(number.point.blind_index.hex()) for number in borrower.numbers
            ),
            address_facts=frozenset(),
            history=(),
            number_history=(),
            first_contact_at=None,
            validation_notice_on=loan.validation_notice_on,
            interruptions=(),
            suspensions=(),
            limitation_from=max(instalment.due_on for instalment in loan.instalments),
        ),
        written_off=loan.written_off_on is not None,
    )


def _decision_row(d: decision.Decision, packs: list[str]) -> DecisionRow:
    return DecisionRow(
        loan_id=d.loan_id,
        decided_at=d.decided_at,
        business_date=d.on,
        outcome=d.outcome,
        delinquent_since=d.arrears.delinquent_since,
        days_past_due=d.arrears.days_past_due,
        past_due=d.arrears.amount,
        ladder_id=d.ladder_id,
        ladder_version=d.ladder_version,
        ladder_since=d.ladder_since,
        ladder_day=d.ladder_day,
        step=d.step.id if d.step else None,
        hold_kind=d.hold.kind if d.hold else None,
        waits_for=list(d.waits_for),
        rule_packs=packs,
        review_on=d.review_on,
    )


def _action_row(d: decision.Decision, step: Any, item: Any, move: Any, now: datetime) -> ActionRow:
    return ActionRow(
        loan_id=d.loan_id,
        ladder_since=d.ladder_since,
        step=step.id,
        item=item.id,
        type=item.do,
        ladder_id=d.ladder_id,
        ladder_version=d.ladder_version,
        status=move.to,
        due_at=move.due_at,
        reason=move.reason,
        rules=list(move.rules),
        changed_at=now,
    )
