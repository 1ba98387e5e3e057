"""After facts changed: cancel the actions that are not needed any more, and set review dates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection

from domain.actions import ActionFacts, ActionStatus
from domain.buckets import scheme_on
from domain.compliance.rules import packs_for
from domain.decision import Snapshot, decide
from domain.delinquency import Arrears
from domain.ladder import Ladder
from domain.loan_states import LoanState, state_of
from domain.position import LoanPosition, position_of
from workers.context import Context
from workers.db.actions import move_waiting, recheck_deferred
from workers.db.appointments import Assigned, cancel_appointments
from workers.db.cases import PaidCase, keep_cases, lock_paid_cases
from workers.db.closed_numbers import resolve_reopened
from workers.db.loan_standing import LoanStanding, load_standings
from workers.db.review_dates import Position, set_positions
from workers.escalation.quarantine import for_each_loan
from workers.escalation.stopped_visits import call_off_stopped_visits
from workers.gate.facts import all_holds, parties_with_holds

CASE_BATCH_SIZE = 500


def reassess(
    connection: Connection,
    ctx: Context,
    loan_ids: Sequence[int],
    now: datetime,
) -> dict[int, Arrears]:
    """Update loans whose facts changed in this same transaction.

    `now` is in the lender's zone. Actions for arrears that are paid are cancelled, cases of cured
    loans are closed, review dates are set again, and actions that waited for a fact are due again.
    Problems of numbers and addresses that are over are resolved. It takes a fixed number of
    statements for any number of loans. Returns the arrears by loan.
    """
    today = now.date()
    facts = load_standings(connection, loan_ids, today)
    ladders = _ladders(ctx, facts, today)
    snapshots = {id: _snapshot(ctx, id, fact, today) for id, fact in facts.items()}
    stands = {id: position_of(snapshots[id], ladders[id], now) for id in facts}
    scheme = scheme_on(ctx.policy.buckets, today)
    states = {id: state_of(decide(snapshots[id], ladders[id], now), scheme) for id in facts}
    arrears = {id: position.arrears for id, position in stands.items()}
    move_waiting(
        connection,
        (
            (stored, replace(action_facts, party_left=fact.has_left(stored.past)))
            for id, fact in facts.items()
            for action_facts in (_action_facts(fact, stands[id], ladders[id]),)
            for stored in fact.actions
        ),
        now,
    )
    in_a_case = [(id, fact) for id, fact in facts.items() if fact.case_open]
    written_off = [id for id, fact in in_a_case if fact.written_off]
    cured = [id for id, fact in in_a_case if not arrears[id].past_due and not fact.written_off]
    keep_cases(connection, cured=cured, written_off=written_off, now=now)
    set_positions(
        connection, [_position(id, facts[id], stands[id], states[id]) for id in facts], now
    )
    resolve_reopened(connection, [id for id, fact in facts.items() if fact.has_problem], now)
    assigned = [id for id, fact in facts.items() if fact.has(ActionStatus.ASSIGNED)]
    assigned_actions = [each for id in assigned for each in _assigned(ctx, facts[id], today)]
    cancel_appointments(connection, assigned_actions, now)
    call_off_stopped_visits(connection, assigned, now)
    recheck_deferred(
        connection, [id for id, fact in facts.items() if fact.has(ActionStatus.DEFERRED)], now
    )
    return arrears


def close_paid_cases(ctx: Context, *, limit: int = CASE_BATCH_SIZE) -> int:
    """Close cases that are open though nothing is past due, or the loan was written off.

    A payment or a write-off closes the case in its own transaction, so normally none is found. It
    may run at any time, repeatedly. Returns how many were found.
    """
    now = ctx.now()

    def find(connection: Connection, loan_id: int | None) -> list[PaidCase]:
        return lock_paid_cases(connection, now, limit, loan_id)

    def close(connection: Connection, found: Sequence[PaidCase]) -> int:
        reassess(connection, ctx, [each.loan_id for each in found], now)
        return len(found)

    return for_each_loan(ctx, find, close)


def _ladders(ctx: Context, facts: Mapping[int, LoanStanding], on: date) -> dict[int, Ladder | None]:
    """By loan. The loans are of a few kinds, and each kind is looked up once."""
    of_kind = {_kind(fact): fact for fact in facts.values()}
    ladders = {kind: ctx.ladder_of(fact, on) for kind, fact in of_kind.items()}
    return {id: ladders[_kind(fact)] for id, fact in facts.items()}


def _kind(fact: LoanStanding) -> tuple[str, str, str]:
    return fact.jurisdiction, fact.product, fact.currency


def _assigned(ctx: Context, fact: LoanStanding, on: date) -> Iterator[Assigned]:
    """The assigned actions of a loan, each with the holds of whomever it is for."""
    packs = packs_for(ctx.policy.rule_packs, fact.jurisdiction) if fact.parties else ()
    of_borrower = all_holds(packs, fact, on)
    of_party = {party.person: party.holds for party in parties_with_holds(ctx, fact, on)}
    for stored in fact.actions:
        if stored.past.status is ActionStatus.ASSIGNED:
            person = stored.past.person
            holds = of_borrower if person is None else of_party.get(person, of_borrower)
            yield Assigned(stored.id, holds, fact.has_left(stored.past))


def _action_facts(fact: LoanStanding, position: LoanPosition, ladder: Ladder | None) -> ActionFacts:
    return ActionFacts(
        past_due=position.arrears.past_due,
        ladder_since=position.ladder_since,
        written_off=fact.written_off,
        off_the_ladder=ladder is None,
    )


def _snapshot(ctx: Context, id: int, fact: LoanStanding, on: date) -> Snapshot:
    packs = packs_for(ctx.policy.rule_packs, fact.jurisdiction) if fact.parties else ()
    return Snapshot(
        id,
        fact.instalments,
        all_holds(packs, fact, on),
        written_off=fact.written_off,
        parties=parties_with_holds(ctx, fact, on),
    )


def _position(id: int, fact: LoanStanding, position: LoanPosition, state: LoanState) -> Position:
    """What is on record of a position: a loan that was written off has none."""
    return Position(
        loan_id=id,
        delinquent_since=None if fact.written_off else position.arrears.delinquent_since,
        ladder_since=None if fact.written_off else position.ladder_since,
        review_on=position.review_on,
        state=state,
        past_due=position.arrears.amount,
    )
