"""Merges the borrowers of a batch: new ones, and of known ones the fields that the tape changed.

An event may have brought a newer number or address than the tape has. So a field is only changed
if the tape says something else of it than the tape before did.
"""

from datetime import datetime

from sqlalchemy import Connection, text

from workers.db.same_person import join_moved_loans, join_same_identity

# A record that is new is a person of its own, until it is linked with another.
_PERSONS = text("""
WITH unknown AS (
    SELECT t.external_id FROM tape_borrower t
     WHERE NOT EXISTS (SELECT FROM borrower b WHERE b.external_id = t.external_id)
), made AS (
    INSERT INTO person (made_at) SELECT :now FROM unknown RETURNING id
)
INSERT INTO tape_person (external_id, person_id)
SELECT u.external_id, m.id
  FROM (SELECT external_id, row_number() OVER (ORDER BY external_id) AS n FROM unknown) u
  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM made) m USING (n)
""")

_NUMBERS = text("""
INSERT INTO contact_point (blind_index)
SELECT DISTINCT t.phone_blind_index FROM tape_borrower t
 WHERE t.phone_blind_index IS NOT NULL
   AND NOT EXISTS (SELECT FROM contact_point p WHERE p.blind_index = t.phone_blind_index)
 ORDER BY 1
ON CONFLICT DO NOTHING
""")

_NEW = text("""
INSERT INTO borrower (person_id, external_id, name_encrypted, name_digest, phone_encrypted,
                      phone_blind_index, address_encrypted, tape_digests, zones, locale, region,
                      updated_at)
SELECT p.person_id, t.external_id, t.name_encrypted, t.name_digest, t.phone_encrypted,
       t.phone_blind_index, t.address_encrypted, t.digests, t.zones, t.locale, t.region, :now
  FROM tape_borrower t
  JOIN tape_person p ON p.external_id = t.external_id
 ORDER BY t.external_id
ON CONFLICT DO NOTHING
RETURNING id
""")

# `o` is the record before this statement. `kept`: an event changed the field before it was known
# what the tape had said of it. Zones bind beside each other while the number is not the tape's.
_CHANGED = text("""
UPDATE borrower b
   SET name_encrypted = CASE WHEN c.name THEN t.name_encrypted ELSE b.name_encrypted END,
       name_digest = t.name_digest,
       phone_encrypted = CASE WHEN c.phone THEN t.phone_encrypted ELSE b.phone_encrypted END,
       phone_blind_index = CASE WHEN c.phone THEN t.phone_blind_index
                                ELSE b.phone_blind_index END,
       address_encrypted = CASE WHEN c.address THEN t.address_encrypted
                                ELSE b.address_encrypted END,
       zones = CASE WHEN NOT (c.zones OR c.phone) THEN b.zones
                    WHEN c.zones AND (c.phone OR NOT c.other_phone) THEN t.zones
                    ELSE ARRAY(SELECT zone
                                 FROM unnest(b.zones || t.zones) WITH ORDINALITY u (zone, n)
                                GROUP BY zone ORDER BY min(n)) END,
       locale = CASE WHEN c.locale THEN t.locale ELSE b.locale END,
       region = CASE WHEN c.region THEN t.region ELSE b.region END,
       tape_digests = t.digests, updated_at = :now, erased_at = NULL
  FROM tape_borrower t
  JOIN borrower o ON o.external_id = t.external_id
  CROSS JOIN LATERAL (
      SELECT coalesce(o.tape_digests ->> 'name' <> t.digests ->> 'name', true) AS name,
             coalesce(o.tape_digests ->> 'phone' NOT IN (t.digests ->> 'phone', 'kept'), true)
                 AS phone,
             coalesce(o.tape_digests ->> 'address' NOT IN (t.digests ->> 'address', 'kept'), true)
                 AS address,
             coalesce(o.tape_digests ->> 'zones' NOT IN (t.digests ->> 'zones', 'kept'), true)
                 AS zones,
             coalesce(o.tape_digests ->> 'locale' NOT IN (t.digests ->> 'locale', 'kept'), true)
                 AS locale,
             coalesce(o.tape_digests ->> 'region' <> t.digests ->> 'region', true) AS region,
             o.phone_blind_index IS DISTINCT FROM t.phone_blind_index AS other_phone
  ) c
 WHERE b.id = o.id AND o.tape_digests <> t.digests
   -- Erased data is stored again with a new loan, and not with one that was here before.
   AND (o.erased_at IS NULL
        OR EXISTS (SELECT FROM tape_loan n
                    WHERE n.borrower = t.external_id
                      AND NOT EXISTS (SELECT FROM loan l WHERE l.external_id = n.external_id)))
RETURNING b.id, b.identity_digest IS DISTINCT FROM o.identity_digest AS other_identity
""")


def merge_borrowers(connection: Connection, now: datetime) -> set[int]:
    """Merge the staged borrowers; returns the records that are new or changed, and those whose
    facts may have changed because they are one person with another now."""
    connection.execute(_PERSONS, {"now": now})
    connection.execute(_NUMBERS)
    new = list(connection.execute(_NEW, {"now": now}).scalars())
    changed = connection.execute(_CHANGED, {"now": now}).all()
    identified = [*new, *(row.id for row in changed if row.other_identity)]
    joined = join_moved_loans(connection, now) | join_same_identity(connection, identified, now)
    return {*new, *(row.id for row in changed), *joined}
