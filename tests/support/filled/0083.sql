-- Revision 0083: the states of loans, the book at the end of a month, and totals of a day.
INSERT INTO loan_day (loan_id, day, recorded_at, standing, delinquent_since, bucket, step, hold,
                      past_due, principal, unpaid)
SELECT n, :today, :now, 'on_ladder', :today - 1 - n::int % 2000, 'M1', 'remind_1', NULL, 100, 900, 1000
  FROM generate_series(1, :loans) n;
INSERT INTO loan_month (loan_id, month_end, person_id, taken_at, standing, past_due, principal,
                        unpaid)
SELECT n, :today, n, :now, 'not_past_due', 0, 900, 1000 FROM generate_series(1, :loans) n;
INSERT INTO daily_total (day, value_day, measure, product, currency, number)
SELECT :today - n % 300, :today, 'calls', 'consumer_loan', 'CNY', 3 FROM generate_series(1, 3000) n;
INSERT INTO closed_day (day, what, closed_at) VALUES (:today, 'totals', :now);
