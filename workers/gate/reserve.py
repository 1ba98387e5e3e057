"""Records a contact before it happens. The frequency caps of the law count these rows."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Executable,
    bindparam,
    func,
    insert,
    select,
    union_all,
)

from domain.actors import Actor
from domain.compliance.vocabulary import Channel, Party
from workers.db.bulk import as_rows, given_rows
from workers.db.prepared_statements import literal, prepared
from workers.db.schema import contact
from workers.gate.check import CheckedAction

_RESERVE = prepared(insert(contact).returning(contact.c.id))

_earlier = contact.alias("earlier")
# As the sending counter counts: texts, and calls that were started about the debt.
_NEWEST = (
    select(func.coalesce(func.max(_earlier.c.id), 0))
    .where(
        _earlier.c.inbound.is_(None),
        _earlier.c.channel.in_((literal(Channel.SMS), literal(Channel.CALL))),
        _earlier.c.party.is_distinct_from(literal(Party.THIRD_PARTY)),
    )
    .scalar_subquery()
    .label("newest_before")
)
_RESERVE_COUNTED = prepared(insert(contact).returning(contact.c.id, _NEWEST))


class Reserved(NamedTuple):
    """One contact that is on record, and not made yet."""

    contacts: dict[int, int]
    """The ids of its rows, by those of the actions."""
    newest_before: int
    """The newest one before it that the sending counter counts; 0: there is none."""


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
) -> Reserved:
    """Record one contact about one or several loans, as the sending counter counts it.

    Each action has a row of its own, with the rules that were checked for its loan. The first row
    is the contact that caps count, and has the `attempt`; the others refer to it. One statement.
    """
    first, *others = claimed
    if not others:
        row = _contact(first, at, attempt, actor)
        contact_id, newest = connection.execute(_RESERVE_COUNTED, row).one()
        return Reserved({first.action_id: contact_id}, newest)
    rows = [_contact(first, at, attempt, actor)]
    rows += [_contact(other, at, None, actor) for other in others]
    values = {**given_rows(rows), "first": first.action_id}
    reserved = connection.execute(_reserve_together(tuple(rows[0])), values).all()
    contacts = {row.action_id: row.id for row in reserved}
    return Reserved(contacts, reserved[0].newest_before)


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
    return prepared(union_all(select(first, _NEWEST), select(others, _NEWEST)))


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
