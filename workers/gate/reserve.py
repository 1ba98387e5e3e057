"""Records a contact before it happens. The frequency caps of the law count these rows."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Executable,
    bindparam,
    insert,
    select,
    union_all,
)

from domain.actors import Actor
from workers.db.bulk import as_rows, given_rows
from workers.db.prepared_statements import prepared
from workers.db.schema import contact
from workers.gate.check import CheckedAction

_RESERVE = prepared(insert(contact).returning(contact.c.id))


def reserve_contact(
    connection: Connection,
    claimed: CheckedAction,
    at: datetime,
    *,
    attempt: str | None = None,
    actor: Actor | None = None,
) -> int:
    """Record a contact before it happens: the frequency caps of the law count these rows.

    `attempt` is the id under which `actor`, who makes the contact, will report its outcome.
    """
    row = _contact(claimed, at, attempt, actor)
    reserved: int = connection.execute(_RESERVE, row).scalar_one()
    return reserved


def reserve_contacts(
    connection: Connection,
    claimed: Sequence[CheckedAction],
    at: datetime,
    *,
    attempt: str | None = None,
    actor: Actor | None = None,
) -> dict[int, int]:
    """Record one contact about several loans; gives the ids of its rows by those of the actions.

    Each action has a row of its own, with the rules that were checked for its loan. The first row
    is the contact that caps count, and has the `attempt`; the others refer to it. One statement.
    """
    first, *others = claimed
    if not others:
        contact_id = reserve_contact(connection, first, at, attempt=attempt, actor=actor)
        return {first.action_id: contact_id}
    rows = [_contact(first, at, attempt, actor)]
    rows += [_contact(other, at, None, actor) for other in others]
    values = {**given_rows(rows), "first": first.action_id}
    reserved = connection.execute(_reserve_together(tuple(rows[0])), values)
    return {row.action_id: row.id for row in reserved}


@cache
def _reserve_together(names: tuple[str, ...]) -> Executable:
    given = as_rows(contact.c[name] for name in names)
    columns = [given.c[name] for name in names]
    is_first = given.c.action_id == bindparam("first")
    first = (
        insert(contact)
        .from_select(list(names), select(*columns).where(is_first))
        .returning(contact.c.id, contact.c.action_id)
        .cte("first_row")
    )
    part_of = select(first.c.id).scalar_subquery()
    others = (
        insert(contact)
        .from_select([*names, "part_of"], select(*columns, part_of).where(~is_first))
        .returning(contact.c.id, contact.c.action_id)
        .cte("other_rows")
    )
    return prepared(union_all(select(first), select(others)))


def _contact(
    claimed: CheckedAction, at: datetime, attempt: str | None, actor: Actor | None
) -> dict[str, Any]:
    number = claimed.number_key
    return {
        "borrower_id": claimed.loan.borrower_id,
        "loan_id": claimed.loan.loan_id,
        "action_id": claimed.action_id,
        "channel": claimed.channel,
        "at": at,
        "rules": list(claimed.verdict.rules),
        "rule_packs": list(claimed.rule_packs),
        "zones": list(claimed.zones),
        "warnings": list(claimed.verdict.warnings),
        "party": claimed.party,
        "number_blind_index": bytes.fromhex(number) if number else None,
        "address_blind_index": claimed.loan.address_blind_index,
        "passed_over": claimed.passed_over,
        "at_work": claimed.at_work,
        "attempt": attempt,
        "actor": actor.reference if actor else None,
    }
