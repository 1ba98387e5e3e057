"""Pairs of records that are one person, or were parted: seen, confirmed or decided by somebody."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, select

from domain.persons import Link
from domain.reasons import Reasons
from workers.context import Context
from workers.db.pages import Asked, Listing, Page, count_by, maker, read_page
from workers.db.prepared_statements import literal
from workers.db.schema import borrower, same_person


@dataclass(frozen=True, slots=True)
class RecordLink:
    """Two records that are one person, or were parted."""

    borrower: str
    other: str
    status: Link
    reason: Reasons
    since: datetime
    """When it was first seen."""
    decided_at: datetime | None
    actor: str | None
    """The staff reference of who confirmed or parted them."""


def read_presumed(connection: Connection, ctx: Context, asked: Asked) -> Page[RecordLink]:
    """The records that count as one person until somebody confirms or parts them, oldest first."""
    pair = same_person.c
    presumed = pair.status == literal(Link.PRESUMED)
    listing = Listing(
        "persons",
        links().where(presumed).order_by(None),
        (pair.made_at, pair.borrower_id, pair.other_id),
        maker(RecordLink, ctx.settings.lender_zone),
        count_by(pair.status, same_person, presumed),
    )
    return read_page(connection, listing, asked)


def links() -> Select[tuple[object, ...]]:
    """Every pair, as `RecordLink` has it, in the order in which they were first seen."""
    one, other = borrower.alias("one"), borrower.alias("other")
    return (
        select(
            one.c.external_id.label("borrower"),
            other.c.external_id.label("other"),
            same_person.c.status,
            same_person.c.reason,
            same_person.c.made_at.label("since"),
            same_person.c.decided_at,
            same_person.c.actor,
        )
        .join(one, one.c.id == same_person.c.borrower_id)
        .join(other, other.c.id == same_person.c.other_id)
        .order_by(same_person.c.made_at, same_person.c.borrower_id, same_person.c.other_id)
    )
