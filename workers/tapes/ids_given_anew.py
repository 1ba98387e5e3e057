"""Customer ids that a tape gives to somebody else: each begins a new record, and the old one stays.

What somebody asked for and agreed to is kept with a record. If the record went to whoever has the
id now, their consent would count for a stranger. So the old record keeps what was said on it, under
an id of its own, and is presumed to be the same person until somebody decides: what protects
reaches both, and what loosens a limit does not.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from domain.persons import FORMER, OF_LOAN, RenamedRecord
from workers.db.encryption import Cipher
from workers.db.inbox import keep_to_records
from workers.db.persons import named_anew
from workers.db.typed_rows import typed_rows
from workers.tapes.rebind import rebind_records

_IS_NAMED = named_anew(
    name="t.name_digest",
    numbers="(SELECT x.blind_index FROM tape_number x WHERE x.borrower = t.external_id)",
    address="t.address_blind_index",
)

_RENAMED = text(f"""
SELECT b.id, b.external_id, b.erased_at IS NOT NULL AS is_erased,
       'phone' <> ALL(t.unsaid) AND {_IS_NAMED.has_none_of_numbers}
       AND coalesce(b.tape_digests ->> 'phone' NOT IN ('kept', t.digests ->> 'phone'),
                    EXISTS (SELECT FROM borrower_number x WHERE x.borrower_id = b.id))
           AS has_other_number,
       'address' <> ALL(t.unsaid) AND {_IS_NAMED.has_not_address}
       AND coalesce(b.tape_digests ->> 'address' NOT IN ('kept', t.digests ->> 'address'),
                    b.address_encrypted IS NOT NULL) AS has_other_address,
       {_IS_NAMED.is_known_otherwise} AS is_known_otherwise
  FROM tape_borrower t
  JOIN borrower b ON b.external_id = t.external_id
 WHERE b.tape_digests <> t.digests
   AND (b.name_digest <> t.name_digest
        OR b.erased_at IS NOT NULL
           AND NOT EXISTS (SELECT FROM tape_erased e WHERE e.external_id = t.external_id))
 ORDER BY b.id
""")  # noqa: S608 put together from constants

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


def leave_ids(connection: Connection, cipher: Cipher) -> Sequence[RenamedRecord]:
    """Take their id from the records that a batch gives to somebody else; their persons are locked.

    What the batch says is then merged into new records. Returns the old ones.
    """
    renamed = typed_rows(RenamedRecord, connection.execute(_RENAMED))
    left = [record for record in renamed if record.is_somebody_else]
    if left:
        new_ids = {record.id: _id_of_former(record) for record in left}
        keep_to_records(connection, new_ids)
        rebind_records(connection, cipher, new_ids)
        connection.execute(_LEAVE, {"records": list(new_ids), "ids": list(new_ids.values())})
        connection.execute(_FORGET, {"ids": [record.external_id for record in left]})
    return left


def _id_of_former(record: RenamedRecord) -> str:
    return f"{FORMER}{record.id}:{record.external_id.removeprefix(OF_LOAN)[:LONGEST_SHOWN]}"
