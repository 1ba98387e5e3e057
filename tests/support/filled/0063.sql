-- Revision 0063: what people typed about loans and about records; some of it about nobody on record.

INSERT INTO free_text (id, loan_id, words_encrypted, written_at)
SELECT gen_random_uuid(), id, decode('00', 'hex'), :now FROM loan;

INSERT INTO free_text (id, borrower_id, words_encrypted, written_at)
SELECT gen_random_uuid(), id, decode('00', 'hex'), :now FROM borrower;

INSERT INTO free_text (id, words_encrypted, written_at, expires_at)
SELECT gen_random_uuid(), decode('00', 'hex'), :now, :now + interval '1 day' * n
  FROM generate_series(-2, 100) AS n;
