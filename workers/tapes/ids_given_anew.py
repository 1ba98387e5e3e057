"""Customer ids that a tape gives to somebody else: each begins a new record, and the old one stays.

What somebody asked for and agreed to is kept with a record. If the record went to whoever has the
id now, their consent would count for a stranger. So the old record keeps what was said on it, under
an id of its own, and is presumed to be the same person until somebody decides: what protects
reaches both, and what loosens a limit does not.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from domain.persons import FORMER, OF_LOAN, RenamedRecord
from workers.db.inbox import keep_to_records
from workers.db.numbers import has_or_had
from workers.db.typed_rows import typed_rows

_RENAMED = text(f"""
SELECT b.id, b.external_id, b.erased_at IS NOT NULL AS is_erased,
       'phone' <> ALL(t.unsaid)
       AND NOT EXISTS (SELECT FROM tape_number n
                         JOIN contact_point p ON p.blind_index = n.blind_index
                         CROSS JOIN {has_or_had("p.id")} h
                        WHERE n.borrower = t.external_id AND h.borrower_id = b.id)
       AND coalesce(b.tape_digests ->> 'phone' NOT IN ('kept', t.digests ->> 'phone'),
                    EXISTS (SELECT FROM borrower_number x WHERE x.borrower_id = b.id))
           AS has_other_number,
       'address' <> ALL(t.unsaid)
       AND NOT EXISTS (SELECT FROM contact_point p
                        WHERE p.id = b.address_point_id AND p.blind_index = t.address_blind_index)
       AND coalesce(b.tape_digests ->> 'address' NOT IN ('kept', t.digests ->> 'address'),
                    b.address_encrypted IS NOT NULL) AS has_other_address,
       EXISTS (SELECT FROM tape_number n
                 JOIN contact_point p ON p.blind_index = n.blind_index
                 CROSS JOIN {has_or_had("p.id")} h
                 JOIN borrower o ON o.id = h.borrower_id
                WHERE n.borrower = t.external_id
                  AND o.id <> b.id AND o.name_digest = t.name_digest)
       OR EXISTS (SELECT FROM contact_point p
                    JOIN borrower o ON o.address_point_id = p.id
                   WHERE p.blind_index = t.address_blind_index
                     AND o.id <> b.id AND o.name_digest = t.name_digest) AS is_known_otherwise
  FROM tape_borrower t
  JOIN borrower b ON b.external_id = t.external_id
 WHERE b.tape_digests <> t.digests
   AND (b.name_digest <> t.name_digest
        OR b.erased_at IS NOT NULL
           AND NOT EXISTS (SELECT FROM tape_erased e WHERE e.external_id = t.external_id))
 ORDER BY b.id
""")  # noqa: S608 the clause is a constant

_LEAVE = text("""
UPDATE borrower b SET external_id = n.external_id
  FROM unnest(CAST(:records AS bigint[]), CAST(:ids AS text[])) n (id, external_id)
 WHERE b.id = n.id
""")

# What an earlier tape said of a field for which this one has no cell, it said of somebody else.
_FORGET = text("""
UPDATE tape_borrower t
   SET digests = coalesce((SELECT jsonb_object_agg(said.key, said.value)
                             FROM jsonb_each_text(t.digests) said
                            WHERE said.key <> ALL(t.unsaid)
                               OR said.value LIKE '+%' AND 'phone' <> ALL(t.unsaid)), '{}')
 WHERE t.external_id = ANY(:ids)
""")

LONGEST_SHOWN = 128
"""Characters of the old id in that of a record that lost it."""


def leave_ids(connection: Connection) -> Sequence[RenamedRecord]:
    """Take their id from the records that a batch gives to somebody else; their persons are locked.

    What the batch says is then merged into new records. Returns the old ones.
    """
    renamed = typed_rows(RenamedRecord, connection.execute(_RENAMED))
    left = [record for record in renamed if record.is_somebody_else]
    if left:
        new_ids = {record.id: _id_of_former(record) for record in left}
        keep_to_records(connection, new_ids)
        connection.execute(_LEAVE, {"records": list(new_ids), "ids": list(new_ids.values())})
        connection.execute(_FORGET, {"ids": [record.external_id for record in left]})
    return left


def _id_of_former(record: RenamedRecord) -> str:
    return f"{FORMER}{record.id}:{record.external_id.removeprefix(OF_LOAN)[:LONGEST_SHOWN]}"
