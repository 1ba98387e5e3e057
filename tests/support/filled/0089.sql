-- Revision 0089: a measure of daily totals that the widened check must take.
INSERT INTO daily_total (day, value_day, measure, product, currency, team, number, amount)
SELECT :today - n % 300, :today, 'plans_offered', 'consumer_loan', 'CNY', 'north', 1, 1000
  FROM generate_series(1, 1000) n;
