-- Revision 0004: these tables have other rows than before.
-- gone: opt_out

INSERT INTO person (id, made_at) OVERRIDING SYSTEM VALUE
SELECT n, :now FROM generate_series(1, :loans) n;

INSERT INTO contact_point (id, blind_index) OVERRIDING SYSTEM VALUE
SELECT n, sha256(int8send(n)) FROM generate_series(1, :loans) n;

INSERT INTO borrower (id, person_id, external_id, name_encrypted, phone_encrypted, phone_blind_index,
    address_encrypted,
                      identity_digest, facts_digest, zones, locale, updated_at)
OVERRIDING SYSTEM VALUE
SELECT n, n, 'B-' || n, repeat('x', 90)::bytea, repeat('x', 90)::bytea, sha256(int8send(n)),
       repeat('x', 120)::bytea, sha256(int8send(-n)), sha256(int8send(-n)), ARRAY['Asia/Shanghai'], 'zh-Hans', :now
  FROM generate_series(1, :loans) n;

INSERT INTO same_person (borrower_id, other_id, status, reason, made_at)
SELECT n, n + 1, 'parted', '[["same_name_and_number"]]', :now
  FROM generate_series(1, :loans - 1, 50) n;

INSERT INTO person_fact (borrower_id, kind, since, source, source_kind)
SELECT n, 'ceased', :now, 'S-1', 'staff' FROM generate_series(1, :loans, 4) n;

INSERT INTO contact_point_fact (contact_point_id, kind, since, source, source_kind)
SELECT n, 'opted_out', :now, 'text', 'borrower' FROM generate_series(1, :loans, 5) n;

INSERT INTO reply (id, contact_point_id, borrower_id, loan_id, provider, sid, kind, received_at, staff_id,
                   assigned_at, handled_at, actor) OVERRIDING SYSTEM VALUE
SELECT n, n, n, n, 'twilio', 'RE-' || n, 'other', :now, 1 + n % 60,
       :now - interval '1 hour' * (n % 2000),
       CASE WHEN n % 50 > 0 THEN :now END, CASE WHEN n % 50 > 0 THEN 'S-1' END
  FROM generate_series(1, :loans) n;
