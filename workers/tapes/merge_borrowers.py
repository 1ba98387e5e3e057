"""Merges the borrowers of a batch: new ones, and of known ones the fields that the tape changed.

An event may have brought a newer number or address than the tape has. So a field is only changed
if the tape says something else of it than the tape before did.
"""

from datetime import datetime

from sqlalchemy import Connection, text

from workers.db.same_person import join_moved_loans, join_same_identity

# Persons come before records and loans in the order of locks. A tape without changes locks nobody.
_LOCK_PERSONS = text("""
WITH changed AS (
    SELECT t.*, b.person_id
      FROM tape_borrower t
      LEFT JOIN borrower b ON b.external_id = t.external_id
     WHERE b.id IS NULL OR b.tape_digests <> t.digests
), moved AS (
    SELECT l.borrower_id AS id, t.borrower AS external_id
      FROM tape_loan t
      JOIN loan l ON l.external_id = t.external_id
      JOIN borrower b ON b.id = l.borrower_id
     WHERE b.external_id <> t.borrower
)
SELECT p.id FROM person p
 WHERE p.id IN (
     SELECT person_id FROM changed
      UNION
     SELECT b.person_id FROM changed c
       JOIN borrower b ON b.identity_digest = sha256(c.name_digest || c.phone_blind_index)
      UNION
     SELECT b.person_id FROM moved m JOIN borrower b ON b.id = m.id
      UNION
     SELECT b.person_id FROM moved m JOIN borrower b ON b.external_id = m.external_id)
 ORDER BY p.id
   FOR NO KEY UPDATE
""")

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
 WHERE EXISTS (SELECT FROM borrower b WHERE b.phone_blind_index = t.phone_blind_index)
   AND NOT EXISTS (SELECT FROM contact_point p WHERE p.blind_index = t.phone_blind_index)
 ORDER BY 1
ON CONFLICT DO NOTHING
""")

# Erased data is stored again with a loan that is new, and not with those that were here before,
# whatever customer id they have now.
_ERASED = """
  CROSS JOIN LATERAL (
      SELECT bool_and(coalesce(e.erased_at IS NOT NULL, false)) AS was
        FROM tape_loan n
        LEFT JOIN loan l ON l.external_id = n.external_id
        LEFT JOIN borrower e ON e.id = l.borrower_id
       WHERE n.borrower = t.external_id
  ) erased
"""

_NEW = text(f"""
INSERT INTO borrower (person_id, external_id, name_encrypted, name_digest, phone_encrypted,
                      phone_blind_index, address_encrypted, tape_digests, zones, locale, region,
                      updated_at, erased_at)
SELECT p.person_id, t.external_id,
       CASE WHEN NOT erased.was THEN t.name_encrypted END,
       CASE WHEN NOT erased.was THEN t.name_digest END,
       CASE WHEN NOT erased.was THEN t.phone_encrypted END,
       CASE WHEN NOT erased.was THEN t.phone_blind_index END,
       CASE WHEN NOT erased.was THEN t.address_encrypted END,
       CASE WHEN erased.was THEN '{{}}'::jsonb ELSE t.digests END,
       CASE WHEN erased.was THEN '{{}}'::text[] ELSE t.zones END,
       t.locale, CASE WHEN NOT erased.was THEN t.region END, :now,
       CASE WHEN erased.was THEN CAST(:now AS timestamptz) END
  FROM tape_borrower t
  JOIN tape_person p ON p.external_id = t.external_id
  {_ERASED}
 ORDER BY t.external_id
ON CONFLICT DO NOTHING
RETURNING id
""")  # noqa: S608 the clause is the constant above

# `o` is the record before this statement. `kept`: an event changed the field before it was known
# what the tape had said of it. Zones bind beside each other while the number is not the tape's.
_CHANGED = text(f"""
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
  {_ERASED}
 WHERE b.id = o.id AND o.tape_digests <> t.digests AND (o.erased_at IS NULL OR NOT erased.was)
RETURNING b.id, b.identity_digest IS DISTINCT FROM o.identity_digest AS other_identity
""")  # noqa: S608 the clause is the constant above


def merge_borrowers(connection: Connection, now: datetime) -> set[int]:
    """Merge the staged borrowers; returns the records that are new or changed, and those whose
    facts may have changed because they are one person with another now."""
    connection.execute(_LOCK_PERSONS)
    connection.execute(_PERSONS, {"now": now})
    new = list(connection.execute(_NEW, {"now": now}).scalars())
    changed = connection.execute(_CHANGED, {"now": now}).all()
    connection.execute(_NUMBERS)
    identified = [*new, *(row.id for row in changed if row.other_identity)]
    joined = join_moved_loans(connection, now) | join_same_identity(connection, identified, now)
    return {*new, *(row.id for row in changed), *joined}
