"""Loans that the full tapes of a mapping had, and that a tape leaves out.

They are found before anything is locked, and noted some hundred at a time once the tape is merged.
An import that is interrupted meanwhile notes the rest when it is repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, case, select, text

from domain.holds import HoldKind
from domain.permissions import Permission
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.pages import Asked, Listing, Page, assert_of, count_rows, maker, of_loan, read_page
from workers.db.schema import absent_loan, loan

ASKED_FROM = 10
"""Loans: so many may always be left out."""

BY_TAPE = "tape"
"""Who places the holds, and whose their ids are."""

_FIND = text("""
CREATE TEMP TABLE tape_absent ON COMMIT PRESERVE ROWS AS
SELECT l.id AS loan_id FROM loan l
 WHERE l.tape_mapping = :mapping AND (l.tape_as_of IS NULL OR l.tape_as_of <= :as_of)
   AND NOT EXISTS (SELECT FROM tape_unchanged u WHERE u.loan_id = l.id)
   AND NOT EXISTS (SELECT FROM tape_seen s WHERE s.loan = l.external_id)
   AND NOT EXISTS (SELECT FROM absent_loan a WHERE a.loan_id = l.id AND a.back_at IS NULL);
CREATE INDEX ON tape_absent (loan_id);
""")
_COUNT = text("""
SELECT (SELECT count(*) FROM tape_absent) AS loans,
       (SELECT count(*) FROM loan l
         WHERE l.tape_mapping = :mapping
           AND NOT EXISTS (SELECT FROM absent_loan a
                            WHERE a.loan_id = l.id AND a.back_at IS NULL)) AS expected
""")
_RETURN = text("""
SELECT EXISTS (SELECT FROM absent_loan a
                 JOIN loan l ON l.id = a.loan_id
                 JOIN tape_seen s ON s.loan = l.external_id
                WHERE a.back_at IS NULL)
""")

_LOCK = text("""
SELECT l.id FROM loan l
 WHERE l.id IN (SELECT loan_id FROM tape_absent
                 WHERE loan_id > :after ORDER BY loan_id LIMIT :limit)
 ORDER BY l.id FOR NO KEY UPDATE
""")

_NOTE = text("""
WITH noted AS (
    INSERT INTO absent_loan (loan_id, since, noted_at)
    SELECT l.id, :as_of, :now FROM loan l
     WHERE l.id = ANY(:loans) AND (l.tape_as_of IS NULL OR l.tape_as_of <= :as_of)
     ORDER BY l.id
    ON CONFLICT (loan_id) WHERE back_at IS NULL DO NOTHING
    RETURNING loan_id
)
SELECT loan_id FROM noted ORDER BY loan_id
""")
_HOLD = text("""
WITH held AS (
    INSERT INTO hold (loan_id, external_id, sender, kind, starts_on, actor, made_at)
    SELECT a.loan_id, 'absent:' || a.id, :by, :kind, :today, :by, :now
      FROM absent_loan a
     WHERE a.loan_id = ANY(:loans) AND a.back_at IS NULL
     ORDER BY a.loan_id
    RETURNING id, loan_id
)
UPDATE absent_loan a SET hold_id = h.id FROM held h
 WHERE a.loan_id = h.loan_id AND a.back_at IS NULL
""")

# A tape brings nothing back that a newer tape left out.
_BACK = text("""
WITH back AS (
    UPDATE absent_loan a SET back_on = :as_of, back_at = :now
      FROM tape_loan t JOIN loan l ON l.external_id = t.external_id
     WHERE a.loan_id = l.id AND a.back_at IS NULL AND a.since <= :as_of
    RETURNING a.loan_id, a.hold_id
), ended AS (
    UPDATE hold h SET ends_on = greatest(h.starts_on, CAST(:today AS date))
      FROM back b
     WHERE h.id = b.hold_id AND h.ends_on IS NULL
    RETURNING h.id, h.ends_on
), released AS (
    INSERT INTO hold_release (hold_id, at, ends_on) SELECT id, :now, ends_on FROM ended
)
SELECT loan_id FROM back
""")


class Absent(NamedTuple):
    """How many loans a tape leaves out."""

    loans: int = 0
    expected: int = 0
    """How many loans the full tapes of the mapping have had until now, without those that were
    absent before."""


def find_absent(connection: Connection, mapping: str, as_of: date) -> Absent:
    """Find the loans that the tape of this session leaves out."""
    given = {"mapping": mapping, "as_of": as_of}
    with connection.begin():
        connection.execute(_FIND, given)
        return Absent(*connection.execute(_COUNT, given).one())


def shows_absent(connection: Connection) -> bool:
    """Whether the tape shows a loan again that was absent."""
    with connection.begin():
        return bool(connection.execute(_RETURN).scalar())


class Noted(NamedTuple):
    """Absent loans of one transaction."""

    found: int
    last: int
    """The id after which the next ones are found."""
    held: Sequence[int]
    """The ids of those about which contact stops: reassess them."""


def note_some_absent(
    connection: Connection, as_of: date, after: int, limit: int, *, hold: bool, now: datetime
) -> Noted:
    """Note loans with ids above `after` as absent, at most `limit`. With `hold`, contact stops."""
    given = {"after": after, "limit": limit}
    found = list(connection.execute(_LOCK, given).scalars())
    if not found:
        return Noted(0, after, ())
    values = {"loans": found, "as_of": as_of, "now": now}
    noted = list(connection.execute(_NOTE, values).scalars())
    if hold and noted:
        of_hold = {"kind": HoldKind.ABSENT, "by": BY_TAPE, "today": now.date(), "now": now}
        connection.execute(_HOLD, {"loans": noted, **of_hold})
    return Noted(len(found), found[-1], noted if hold else ())


def end_absences(connection: Connection, as_of: date, now: datetime) -> list[int]:
    """The staged loans that were absent are back: their holds end. Returns their ids; reassess
    them."""
    given = {"as_of": as_of, "now": now, "today": now.date()}
    return list(connection.execute(_BACK, given).scalars())


@dataclass(frozen=True, slots=True)
class AbsentLoan:
    """A loan that no tape shows any more."""

    loan: str
    since: date
    """The business date of the first full tape without it."""
    kind: str
    """`held`: nobody is contacted about it. `kept`: contact goes on."""


@permitted(Permission.READ_OPERATIONS)
def read_absent(connection: Connection, ctx: Context, asked: Asked) -> Page[AbsentLoan]:
    """The loans that are absent now."""
    kind = case((absent_loan.c.hold_id.is_(None), "kept"), else_="held")
    rows = (
        select(loan.c.external_id.label("loan"), absent_loan.c.since, kind.label("kind"))
        .join(loan, loan.c.id == absent_loan.c.loan_id)
        .where(
            absent_loan.c.back_at.is_(None),
            *of_loan(absent_loan.c.loan_id, asked),
            *([kind == asked.kind] if asked.kind else ()),
        )
    )
    listing = Listing(
        "absent",
        rows,
        (absent_loan.c.loan_id,),
        maker(AbsentLoan, ctx.settings.lender_zone),
        count_rows(rows, kind),
    )
    return read_page(connection, listing, assert_of({"absent"}, asked))
