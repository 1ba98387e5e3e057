-- Revision 0031: these tables are new.

INSERT INTO adjustment (external_id, loan_id, kind, amount, component, due_on, booked_on, recorded_at)
SELECT 'A-' || n, n, 'charge', 5, 'fees', (:today)::date, (:today)::date - n::int % 30, :now
  FROM generate_series(1, :loans, 40) n;

INSERT INTO adjustment_part (adjustment_id, due_on, component, amount, counts_from)
SELECT id, due_on, component, amount, due_on FROM adjustment;
