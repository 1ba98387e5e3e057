-- Revision 0009: these tables have other rows than before.

INSERT INTO borrower (id, person_id, external_id, name_encrypted, phone_encrypted, phone_blind_index,
    address_encrypted,
                      name_digest, zones, locale, updated_at)
OVERRIDING SYSTEM VALUE
SELECT n, n, 'B-' || n, repeat('x', 90)::bytea, repeat('x', 90)::bytea, sha256(int8send(n)),
       repeat('x', 120)::bytea, sha256(int8send(-n)), ARRAY['Asia/Shanghai'], 'zh-Hans', :now
  FROM generate_series(1, :loans) n;

INSERT INTO same_person (borrower_id, other_id, status, reason, made_at)
SELECT n, n + 1, 'parted', '["same_name_and_number"]', :now
  FROM generate_series(1, :loans - 1, 50) n;

INSERT INTO same_person_change (borrower_id, other_id, status, reason, at)
SELECT n, n + 1, 'parted', '["same_name_and_number"]', :now
  FROM generate_series(1, :loans - 1, 50) n;
