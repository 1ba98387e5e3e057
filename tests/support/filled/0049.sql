-- Revision 0049: what tapes showed as paid of some loans.

INSERT INTO paid_by_tape (loan_id, tape_as_of, previous_tape, payment_id, amount)
SELECT loan_id, :today - 7, :today - 14, id, 1 FROM payment WHERE id % 10 = 0;
