-- Revision 0032: these tables are new.

INSERT INTO payment_return (payment_id, kind, external_id, amount, returned_on, recorded_at)
SELECT id, 'refund', 'RF-' || id, 1, :today, :now FROM payment WHERE id % 50 = 0;

INSERT INTO past_write_off (loan_id, written_off_at, written_off_on, taken_back_on, taken_back_at)
SELECT n, :now, (:today)::date - 9, :today, :now FROM generate_series(1, :loans, 90) n;
