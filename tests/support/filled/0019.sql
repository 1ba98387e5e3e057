-- Revision 0019: these tables have other rows than before.

INSERT INTO contact_point (id, kind, blind_index) OVERRIDING SYSTEM VALUE
SELECT n, 'number', sha256(int8send(n)) FROM generate_series(1, :loans) n;

INSERT INTO contact_point (id, kind, blind_index) OVERRIDING SYSTEM VALUE
SELECT :loans + n, 'address', sha256(int8send(:loans + n)) FROM generate_series(1, :loans) n;

INSERT INTO borrower (id, person_id, external_id, name_encrypted, address_encrypted,
                      address_point_id, name_digest, zones, locale, updated_at)
OVERRIDING SYSTEM VALUE
SELECT n, n, 'B-' || n, repeat('x', 90)::bytea, repeat('x', 120)::bytea, :loans + n,
       sha256(int8send(-n)), ARRAY['Asia/Shanghai'], 'zh-Hans', :now
  FROM generate_series(1, :loans) n;

INSERT INTO borrower_number (id, borrower_id, position, contact_point_id, number_encrypted,
                             tape_field) OVERRIDING SYSTEM VALUE
SELECT n, n, 1, n, repeat('x', 90)::bytea, 1 FROM generate_series(1, :loans) n;
