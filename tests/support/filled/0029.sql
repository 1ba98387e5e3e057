-- Revision 0029: these tables have other rows than before.

INSERT INTO problem (loan_id, kind, detail, found_at, resolved_at)
SELECT n, 'phone_missing', '["phone_missing"]', :now, CASE WHEN n % 100 > 0 THEN :now END
  FROM generate_series(1, :loans) n;

INSERT INTO problem (loan_id, party_id, kind, detail, found_at, resolved_at)
SELECT n, n, 'number_closed', '["number_closed"]', :now, CASE WHEN n % 100 > 1 THEN :now END
  FROM generate_series(1, :loans - 1, 10) n;

INSERT INTO representative (person_fact_id, kind, contacted, name_encrypted, phone_encrypted,
                            phone_blind_index, since, source)
SELECT n, 'attorney', true, repeat('x', 90)::bytea, repeat('x', 90)::bytea,
       sha256(int8send(1000000 + n / 5)), :now, 'S-1'
  FROM generate_series(1, :loans / 4) n;

INSERT INTO representative_wish (contact_point_id, kind, times, since, source, source_kind)
SELECT n, 'inconvenient_time', '{"days": ["sun"], "starts": "00:00", "ends": "00:00"}', :now,
       'S-1', 'staff'
  FROM generate_series(1, :loans / 100) n;
