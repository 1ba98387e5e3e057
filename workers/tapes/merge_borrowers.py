"""Merges the borrowers of a batch: new ones, and of known ones the fields that the tape changed.

An event may have brought a newer number or address than the tape has. So a field is only changed
if the tape says something else of it than the tape before did.
"""

from datetime import datetime

from sqlalchemy import Connection, text

from workers.db.encryption import Cipher
from workers.db.numbers import forget_points
from workers.db.presumed_links import join_moved_loans, join_same_identity
from workers.tapes.ids_given_anew import leave_ids

# Most rows of a later tape say nothing new of their customers.
_SAY_NEW = text("""
SELECT EXISTS (SELECT FROM tape_borrower t
                 LEFT JOIN borrower b ON b.external_id = t.external_id
                WHERE b.id IS NULL OR b.tape_digests <> t.digests)
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

# Erased data is stored again with a loan that is new, and not with those that were here before,
# whatever customer id they have now. A party: with those of which this record was party before.
_FIND_ERASED = text("""
INSERT INTO tape_erased
SELECT borrower
  FROM (SELECT n.borrower, coalesce(e.erased_at IS NOT NULL, false) AS was
          FROM tape_loan n
          LEFT JOIN loan l ON l.external_id = n.external_id
          LEFT JOIN borrower e ON e.id = l.borrower_id
         UNION ALL
        SELECT n.borrower, coalesce(e.erased_at IS NOT NULL, false)
          FROM tape_party n
          LEFT JOIN loan l ON l.external_id = n.loan
          LEFT JOIN borrower e ON e.external_id = n.borrower
                AND EXISTS (SELECT FROM loan_party q
                             WHERE q.loan_id = l.id AND q.borrower_id = e.id)) x
 GROUP BY borrower
HAVING bool_and(was)
""")

_ERASED = """
  CROSS JOIN LATERAL (
      SELECT EXISTS (SELECT FROM tape_erased e WHERE e.external_id = t.external_id) AS was
  ) erased
"""

_NEW = text(f"""
INSERT INTO borrower (person_id, external_id, name_encrypted, name_digest, address_encrypted,
                      address_point_id, tape_digests, zones, locale, region, updated_at, erased_at)
SELECT p.person_id, t.external_id,
       CASE WHEN NOT erased.was THEN t.name_encrypted END,
       CASE WHEN NOT erased.was THEN t.name_digest END,
       CASE WHEN NOT erased.was THEN t.address_encrypted END,
       CASE WHEN NOT erased.was THEN a.id END,
       CASE WHEN erased.was THEN '{{}}'::jsonb ELSE t.digests END,
       CASE WHEN erased.was THEN '{{}}'::text[] ELSE t.zones END,
       t.locale, CASE WHEN NOT erased.was THEN t.region END, :now,
       CASE WHEN erased.was THEN CAST(:now AS timestamptz) END
  FROM tape_borrower t
  JOIN tape_person p ON p.external_id = t.external_id
  LEFT JOIN contact_point a ON a.blind_index = t.address_blind_index
  {_ERASED}
 ORDER BY t.external_id
ON CONFLICT DO NOTHING
RETURNING id
""")  # noqa: S608 the clause is the constant above

_ADDRESSES = text(f"""
INSERT INTO contact_point (kind, blind_index)
SELECT DISTINCT 'address', t.address_blind_index
  FROM tape_borrower t
  LEFT JOIN borrower b ON b.external_id = t.external_id
  {_ERASED}
 WHERE t.address_blind_index IS NOT NULL AND NOT erased.was
   AND (b.id IS NULL OR b.tape_digests <> t.digests)
   AND NOT EXISTS (SELECT FROM contact_point p WHERE p.blind_index = t.address_blind_index)
 ORDER BY 2
ON CONFLICT DO NOTHING
""")  # noqa: S608 the clause is the constant above

_CHANGED_NUMBERS = text(f"""
INSERT INTO tape_changed_number (borrower_id, external_id, field)
SELECT o.id, t.external_id, f.field
  FROM tape_borrower t
  JOIN borrower o ON o.external_id = t.external_id
  CROSS JOIN (VALUES (1, 'phone'), (2, 'phone_2'), (3, 'phone_3')) f (field, name)
  {_ERASED}
 WHERE o.tape_digests <> t.digests AND (o.erased_at IS NULL OR NOT erased.was)
   AND o.tape_digests ->> f.name IS DISTINCT FROM t.digests ->> f.name
   AND o.tape_digests ->> f.name IS DISTINCT FROM 'kept'
""")  # noqa: S608 the clause is the constant above

_NEW_NUMBERS = text("""
INSERT INTO tape_changed_number (borrower_id, external_id, field)
SELECT b.id, t.borrower, t.field
  FROM borrower b JOIN tape_number t ON t.borrower = b.external_id
 WHERE b.id = ANY(:records) AND b.erased_at IS NULL
""")

# A number stands where the number stood that it replaces; or where an event has put it already. If
# the tape changed several fields, their numbers take these places in the order of the tape: an
# event may have put the numbers into another order, and the tape then says the same order again.
_POSITIONS = text("""
WITH found AS (
    SELECT c.borrower_id, c.field, min(n.position) AS position
      FROM tape_changed_number c
      JOIN borrower_number n ON n.borrower_id = c.borrower_id
      JOIN contact_point p ON p.id = n.contact_point_id
      LEFT JOIN tape_number t ON t.borrower = c.external_id AND t.field = c.field
     WHERE n.tape_field = c.field OR n.tape_field IS NULL AND p.blind_index = t.blind_index
     GROUP BY c.borrower_id, c.field
), fields AS (
    SELECT borrower_id, field, row_number() OVER (PARTITION BY borrower_id ORDER BY field) AS nth
      FROM found
), places AS (
    SELECT borrower_id, position,
           row_number() OVER (PARTITION BY borrower_id ORDER BY position) AS nth
      FROM found
)
UPDATE tape_changed_number c SET position = places.position
  FROM fields JOIN places USING (borrower_id, nth)
 WHERE c.borrower_id = fields.borrower_id AND c.field = fields.field
""")

_REPLACED = text("""
WITH replaced AS (
    DELETE FROM borrower_number n
     USING tape_changed_number c
     WHERE n.borrower_id = c.borrower_id AND (n.tape_field = c.field OR n.position = c.position)
    RETURNING n.borrower_id, n.contact_point_id
), kept AS (
    INSERT INTO former_number (contact_point_id, borrower_id)
    SELECT contact_point_id, borrower_id FROM replaced
    ON CONFLICT DO NOTHING
)
SELECT contact_point_id FROM replaced
""")

_POINTS = text("""
INSERT INTO contact_point (kind, blind_index)
SELECT DISTINCT t.kind, t.blind_index
  FROM tape_changed_number c
  JOIN tape_number t ON t.borrower = c.external_id AND t.field = c.field
 WHERE NOT EXISTS (SELECT FROM contact_point p WHERE p.blind_index = t.blind_index)
 ORDER BY 2
ON CONFLICT DO NOTHING
""")

_TAKEN = """(
    SELECT n.borrower_id, n.position FROM borrower_number n
     UNION ALL
    SELECT x.borrower_id, x.position FROM tape_changed_number x WHERE x.position IS NOT NULL
) taken"""

# One that replaces nothing stands where the tape has it, or last if another number is there.
_NUMBERS = text(f"""
INSERT INTO borrower_number (borrower_id, position, contact_point_id, number_encrypted, tape_field)
SELECT c.borrower_id,
       coalesce(c.position,
                CASE WHEN NOT EXISTS (SELECT FROM {_TAKEN}
                                       WHERE borrower_id = c.borrower_id AND position = c.field)
                     THEN c.field
                     ELSE 3 + c.field + (SELECT max(position) FROM {_TAKEN}
                                          WHERE borrower_id = c.borrower_id) END),
       p.id, t.number_encrypted, c.field
  FROM tape_changed_number c
  JOIN tape_number t ON t.borrower = c.external_id AND t.field = c.field
  JOIN contact_point p ON p.blind_index = t.blind_index
 ORDER BY c.borrower_id, c.field
ON CONFLICT (contact_point_id, borrower_id) DO NOTHING
""")  # noqa: S608 the clause is the constant above

# `o` is the record before this statement. `kept`: an event changed the field before it was known
# what the tape had said of it. Zones bind beside each other while a number is not the tape's.
_CHANGED = text(f"""
UPDATE borrower b
   SET name_encrypted = CASE WHEN c.name THEN t.name_encrypted ELSE b.name_encrypted END,
       name_digest = t.name_digest,
       address_encrypted = CASE WHEN c.address THEN t.address_encrypted
                                ELSE b.address_encrypted END,
       address_point_id = CASE WHEN c.address THEN a.id ELSE b.address_point_id END,
       zones = CASE WHEN NOT (c.zones OR c.number) THEN b.zones
                    WHEN c.zones AND NOT c.other_number THEN t.zones
                    ELSE ARRAY(SELECT zone
                                 FROM unnest(b.zones || t.zones) WITH ORDINALITY u (zone, n)
                                GROUP BY zone ORDER BY min(n)) END,
       locale = CASE WHEN c.locale THEN t.locale ELSE b.locale END,
       region = CASE WHEN c.region THEN t.region ELSE b.region END,
       tape_digests = t.digests, updated_at = :now, erased_at = NULL
  FROM tape_borrower t
  JOIN borrower o ON o.external_id = t.external_id
  CROSS JOIN LATERAL (
      SELECT coalesce(o.tape_digests ->> 'name' <> t.digests ->> 'name', t.digests ? 'name')
                 AS name,
             EXISTS (SELECT FROM tape_changed_number x WHERE x.borrower_id = o.id) AS number,
             coalesce(o.tape_digests ->> 'address' NOT IN (t.digests ->> 'address', 'kept'),
                      t.digests ? 'address') AS address,
             coalesce(o.tape_digests ->> 'zones' NOT IN (t.digests ->> 'zones', 'kept'),
                      t.digests ? 'zones') AS zones,
             coalesce(o.tape_digests ->> 'locale' NOT IN (t.digests ->> 'locale', 'kept'),
                      t.digests ? 'locale') AS locale,
             coalesce(o.tape_digests ->> 'region' <> t.digests ->> 'region', t.digests ? 'region')
                 AS region,
             EXISTS (SELECT FROM borrower_number n
                      JOIN contact_point p ON p.id = n.contact_point_id
                     WHERE n.borrower_id = o.id
                       AND NOT EXISTS (SELECT FROM tape_changed_number x
                                        WHERE x.borrower_id = o.id AND x.field = n.tape_field)
                       AND NOT EXISTS (SELECT FROM tape_number x
                                        WHERE x.borrower = t.external_id
                                          AND x.blind_index = p.blind_index)) AS other_number
  ) c
  LEFT JOIN contact_point a ON a.blind_index = t.address_blind_index
  {_ERASED}
 WHERE b.id = o.id AND o.tape_digests <> t.digests AND (o.erased_at IS NULL OR NOT erased.was)
RETURNING b.id, CASE WHEN c.address THEN o.address_point_id END AS old_address,
          c.number OR b.name_digest IS DISTINCT FROM o.name_digest AS other_identity
""")  # noqa: S608 the clause is the constant above


def merge_borrowers(
    connection: Connection, cipher: Cipher, now: datetime, *, only_new: bool
) -> set[int]:
    """Merge the staged borrowers, whose persons are locked. `only_new`: no record has changed.

    Returns the records that are new or changed, and those whose facts may have changed because they
    are one person with another now.
    """
    if not only_new and not connection.execute(_SAY_NEW).scalar_one():
        return set(join_moved_loans(connection, {}, now))
    connection.execute(_FIND_ERASED)
    former = () if only_new else leave_ids(connection, cipher)
    connection.execute(_PERSONS, {"now": now})
    connection.execute(_ADDRESSES)
    if only_new:
        new = list(connection.execute(_NEW, {"now": now}).scalars())
        connection.execute(_NEW_NUMBERS, {"records": new})
        for statement in (_POINTS, _NUMBERS):
            connection.execute(statement)
        return {*new, *join_same_identity(connection, new, now)}
    connection.execute(_CHANGED_NUMBERS)
    new = list(connection.execute(_NEW, {"now": now}).scalars())
    changed = connection.execute(_CHANGED, {"now": now}).all()
    connection.execute(_NEW_NUMBERS, {"records": new})
    connection.execute(_POSITIONS)
    replaced = set(connection.execute(_REPLACED).scalars())
    for statement in (_POINTS, _NUMBERS):
        connection.execute(statement)
    forget_points(connection, replaced | {row.old_address for row in changed if row.old_address})
    identified = [*new, *(row.id for row in changed if row.other_identity)]
    given_anew = {record.id: record.external_id for record in former}
    joined = join_moved_loans(connection, given_anew, now) | join_same_identity(
        connection, identified, now
    )
    return {*new, *(row.id for row in changed), *joined}
