-- Revision 0041: these tables have other rows than before.

INSERT INTO payment_return (payment_id, kind, external_id, sender, amount, returned_on, recorded_at)
SELECT id, 'refund', 'RF-' || id, 'lender', 1, :today, :now FROM payment WHERE id % 50 = 0;

INSERT INTO replaced_schedule (id, external_id, sender, loan_id, restructured_on, recorded_at,
                               instalments, first_due_on, last_due_on, amount, paid)
OVERRIDING SYSTEM VALUE
SELECT n, 'RS-' || n, 'lender', n, :today - 30, :now, 6, :today - 20, :today + 130, 600, 100
  FROM generate_series(1, :loans, 10) n;
