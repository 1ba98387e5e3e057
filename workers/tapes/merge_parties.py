"""Merges the co-borrowers and guarantors of a batch."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from config.readers.tape_mapping import PARTY_SLOTS, TapeMapping
from workers.db.presumed_links import join_renumbered_parties

# A tape ends and brings back only what a tape brought in, and ends nobody for whom it has no
# columns. Of a party that came in before slots were kept, the role decides. Who is new to a loan is
# joined with those before them where records are merged. This finds who leaves, or comes back.
_PARTIES = text("""
WITH given AS (
    SELECT l.id AS loan_id, b.id AS borrower_id, t.role, min(t.slot) AS slot
      FROM tape_party t
      JOIN loan l ON l.external_id = t.loan
      JOIN borrower b ON b.external_id = t.borrower
     WHERE b.id <> l.borrower_id
     GROUP BY l.id, b.id, t.role
), moved AS (
    UPDATE loan_party q SET tape_slot = g.slot
      FROM given g
     WHERE (q.loan_id, q.borrower_id, q.role) = (g.loan_id, g.borrower_id, g.role)
       AND q.from_tape AND q.ended_at IS NULL AND q.tape_slot IS DISTINCT FROM g.slot
), ended AS (
    UPDATE loan_party q SET ended_at = :now
      FROM tape_loan t JOIN loan l ON l.external_id = t.external_id
     WHERE q.loan_id = l.id AND q.from_tape AND q.ended_at IS NULL
       AND CASE WHEN q.tape_slot IS NULL THEN q.role = ANY(:roles)
                ELSE q.tape_slot = ANY(:slots) END
       AND NOT EXISTS (SELECT FROM given g
                        WHERE g.loan_id = q.loan_id AND g.borrower_id = q.borrower_id
                          AND g.role = q.role)
    RETURNING q.id, q.loan_id
), made AS (
    INSERT INTO loan_party AS q (loan_id, borrower_id, role, from_tape, tape_slot)
    SELECT loan_id, borrower_id, role, true, slot FROM given ORDER BY loan_id, borrower_id, role
    ON CONFLICT (loan_id, borrower_id, role) DO UPDATE
       SET ended_at = NULL, tape_slot = excluded.tape_slot
     WHERE q.ended_at IS NOT NULL AND q.from_tape
    RETURNING q.id, q.loan_id
), noted AS (
    INSERT INTO loan_party_change (loan_party_id, at, is_party, source, source_kind)
    SELECT id, :now, false, 'tape', 'system' FROM ended
     UNION ALL
    SELECT id, :now, true, 'tape', 'system' FROM made
)
SELECT loan_id, id FROM ended
 UNION ALL
SELECT m.loan_id, q.id FROM made m LEFT JOIN loan_party q ON q.id = m.id
""")


class MergedParties(NamedTuple):
    """What a batch changed about parties."""

    loans: frozenset[int]
    joined: frozenset[int]
    """Records whose facts may have changed, because they are one person with another now."""


def merge_parties(connection: Connection, mapping: TapeMapping, now: datetime) -> MergedParties:
    """Begin and end the parts of those whom the tape names, or names no more, in a loan; their
    persons are locked. Nothing changes for whom it has no columns."""
    slots = list(mapping.of_parties)
    if not slots:
        return MergedParties(frozenset(), frozenset())
    given = {"now": now, "slots": slots, "roles": [PARTY_SLOTS[slot] for slot in slots]}
    rows = connection.execute(_PARTIES, given).all()
    known = sorted(row.id for row in rows if row.id is not None)
    joined = join_renumbered_parties(connection, known, now)
    return MergedParties(frozenset(row.loan_id for row in rows), joined)
