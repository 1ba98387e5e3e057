-- Revision 0006: these tables have other rows than before.

INSERT INTO instalment (loan_id, due_on, counts_from, principal, paid_principal)
SELECT n, :today - 3 + 30 * i, :today - 3 + 30 * i, 1000, CASE WHEN i = 0 AND n % 50 = 0 THEN 0 ELSE 1000 END
  FROM generate_series(1, :loans) n, generate_series(-3, 0) i;
