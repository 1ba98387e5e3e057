"""Tokens: whose secret is taken, until when, and no longer."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from domain.errors import ArrearsError, NotOnRosterError, text_of
from domain.permissions import Permission
from workers.access.permitted import permitted
from workers.access.requests import withdraw_grants
from workers.access.second_person import ToGrant, with_second_person
from workers.access.secrets import digest_in, fingerprint_of
from workers.context import Context
from workers.db.schema import machine, staff, token
from workers.db.typed_rows import columns_of, typed_rows

MOST_DAYS = 366
"""A token is for a year at most."""


class Token(NamedTuple):
    """A token on record."""

    digest: bytes
    staff: str | None
    machine: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.digest)


@permitted(Permission.READ_ACCESS)
def read_tokens(connection: Connection, ctx: Context) -> list[Token]:
    """All tokens that were ever enrolled, the newest first. Moments are in the lender's zone."""
    columns = columns_of(Token, token, staff=staff.c.external_id, machine=machine.c.name)
    tokens = (
        select(*columns)
        .select_from(token)
        .outerjoin(staff, staff.c.id == token.c.staff_id)
        .outerjoin(machine, machine.c.id == token.c.machine_id)
        .order_by(token.c.id.desc())
    )
    return typed_rows(Token, connection.execute(tokens), ctx.settings.lender_zone)


@permitted(Permission.CHANGE_ACCESS)
def enrol_token(
    ctx: Context, holder: str, fingerprint: str, *, of_machine: bool, days: int
) -> None:
    """Take the secret with this fingerprint for that of a member of staff, or of a machine.

    Raises:
        SecondPersonNeededError: another person has not granted it yet.
        NotOnRosterError: nobody has the reference, and no machine the name.
        ArrearsError: it is no fingerprint, or was enrolled before.
    """
    digest = digest_in(fingerprint)
    with ctx.engine.begin() as connection:
        # First, so that nobody is asked for what is refused. Without a grant it is rolled back.
        store_token(connection, ctx, holder, digest, of_machine=of_machine, days=days)
        facts = {
            "of the machine" if of_machine else "of the member of staff": holder,
            "fingerprint": fingerprint,
            "valid for days": days,
        }
        asked = ToGrant(Permission.CHANGE_ACCESS, text_of("Take a token."), facts)
        with_second_person(connection, ctx, asked)


def store_token(
    connection: Connection, ctx: Context, holder: str, digest: bytes, *, of_machine: bool, days: int
) -> None:
    """As `enrol_token`, in the caller's transaction."""
    table, name = (machine, machine.c.name) if of_machine else (staff, staff.c.external_id)
    holder_id = connection.execute(select(table.c.id).where(name == holder)).scalar()
    if holder_id is None:
        raise NotOnRosterError(
            "No machine is called {holder}. `arrears machine allow` makes one."
            if of_machine
            else "Nobody on the roster has the reference {holder}.",
            holder=holder,
        )
    now = ctx.now()
    row = {
        "machine_id" if of_machine else "staff_id": holder_id,
        "digest": digest,
        "created_at": now,
        "created_by": ctx.actor.reference,
        "expires_at": now + timedelta(days=days),
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(token).values(**row))
    except IntegrityError:
        raise ArrearsError(
            "{fingerprint} was enrolled before. `arrears token new` makes another one.",
            fingerprint=fingerprint_of(digest),
        ) from None


@permitted(Permission.CHANGE_ACCESS)
def revoke_tokens(ctx: Context, which: str) -> int:
    """Take a token no longer, or all those of a member of staff or machine; returns how many.

    `which` is a fingerprint, a reference or a name. It counts from the next command and call on.
    What its owner has granted to others and is not carried out yet counts no longer either: it may
    have been somebody else.

    Raises:
        ArrearsError: no token that is taken is meant by that.
    """
    holders = (
        select(staff.c.id).where(staff.c.external_id == which).scalar_subquery(),
        select(machine.c.id).where(machine.c.name == which).scalar_subquery(),
    )
    meant = or_(token.c.staff_id == holders[0], token.c.machine_id == holders[1])
    if which.startswith("SHA256:"):
        meant = token.c.digest == digest_in(which)
    with ctx.engine.begin() as connection:
        owners = select(staff.c.external_id).join(token, token.c.staff_id == staff.c.id)
        people = set(connection.execute(owners.where(meant)).scalars())
        if count := revoke_of(connection, ctx, meant):
            withdraw_grants(connection, people)
    if not count:
        raise ArrearsError(
            "{which} has no token that is taken. `arrears token list` shows those that are.",
            which=which,
        )
    return count


def revoke_of(connection: Connection, ctx: Context, meant: ColumnElement[bool]) -> int:
    """Take no longer the tokens that are taken of those meant; returns how many."""
    revoked = (
        update(token)
        .where(meant, token.c.revoked_at.is_(None))
        .values(revoked_at=ctx.now(), revoked_by=ctx.actor.reference)
    )
    return connection.execute(revoked).rowcount


def revoke_of_who_left(connection: Connection, ctx: Context, by: date) -> None:
    """Revoke the tokens of all who had left by a day: whoever comes back needs a new one."""
    left = select(staff.c.id).where(staff.c.left_on <= by)
    revoke_of(connection, ctx, token.c.staff_id.in_(left))
