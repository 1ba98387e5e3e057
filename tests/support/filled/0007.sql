-- Revision 0007: these tables have other rows than before.

INSERT INTO person_fact (borrower_id, kind, since, source, source_kind)
SELECT n, 'ceased', :now, 'S-1', 'staff' FROM generate_series(1, :loans, 100) n;

INSERT INTO reply (id, contact_point_id, borrower_id, loan_id, provider, sid, kind, to_read, received_at, staff_id,
                   assigned_at, handled_at, actor) OVERRIDING SYSTEM VALUE
SELECT n, n, n, n, 'twilio', 'RE-' || n, 'other', true, :now, 1 + n % 60,
       :now - interval '1 hour' * (n % 2000),
       CASE WHEN n % 50 > 0 THEN :now END, CASE WHEN n % 50 > 0 THEN 'S-1' END
  FROM generate_series(1, :loans) n;
