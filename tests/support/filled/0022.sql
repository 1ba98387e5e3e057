-- Revision 0022: the first table is new, the second has a new column.

INSERT INTO limitation_fact (loan_id, fact, starts_on, ends_on, document, actor, recorded_at)
SELECT n, (ARRAY['suit', 'force_majeure'])[1 + n % 2], (:today)::date - n::int % 900,
       (:today)::date - n::int % 900 + 30, 'D-' || n, 'S-1', :now
  FROM generate_series(1, :loans, 50) n;

INSERT INTO acknowledgement (loan_id, borrower_id, acknowledged_on, proof, document, actor, recorded_at)
SELECT n, l.borrower_id, (:today)::date - n::int % 900, (ARRAY['signed', 'not_said'])[1 + n % 2],
       'D-' || n, 'S-1', :now
  FROM generate_series(1, :loans, 50) n JOIN loan l ON l.id = n;
