-- Revision 0013: this table has other rows than before.

INSERT INTO person_fact (borrower_id, kind, times, place, contact_point_id, locale, since, source, source_kind)
SELECT n, 'ceased', NULL::jsonb, NULL, NULL::bigint, NULL, :now, 'S-1', 'staff' FROM generate_series(1, :loans, 100) n
 UNION ALL
SELECT n, 'inconvenient_time', '{"days": ["sun"], "starts": "00:00", "ends": "00:00"}', NULL, NULL, NULL,
       :now, 'S-1', 'staff' FROM generate_series(2, :loans, 20) n
 UNION ALL
SELECT n, 'inconvenient_place', NULL, 'number', n, NULL, :now, 'S-1', 'staff'
  FROM generate_series(3, :loans, 50) n
 UNION ALL
SELECT n, 'language', NULL, NULL, NULL, 'en', :now, 'S-1', 'staff' FROM generate_series(4, :loans, 50) n;
