-- Revision 0033: these tables are new.

INSERT INTO replaced_schedule (id, external_id, loan_id, restructured_on, recorded_at, instalments,
                               first_due_on, last_due_on, amount, paid)
OVERRIDING SYSTEM VALUE
SELECT n, 'RS-' || n, n, :today - 30, :now, 6, :today - 20, :today + 130, 600, 100
  FROM generate_series(1, :loans, 10) n;

INSERT INTO replaced_instalment (replaced_schedule_id, due_on, principal, interest, fees,
                                 paid_principal, paid_interest, paid_fees)
SELECT n, :today - 60 + 30 * m, 100, 0, 0, 50, 0, 0
  FROM generate_series(1, :loans, 10) n, generate_series(0, 3) m;

INSERT INTO absent_loan (loan_id, since, noted_at, back_on, back_at)
SELECT n, :today - 10, :now, CASE WHEN n % 2 = 0 THEN :today END,
       CASE WHEN n % 2 = 0 THEN CAST(:now AS timestamptz) END
  FROM generate_series(1, :loans, 5) n;
