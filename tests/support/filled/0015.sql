-- Revision 0015: these tables have other rows than before.

INSERT INTO loan_party (id, loan_id, borrower_id, role, from_tape, ended_at)
OVERRIDING SYSTEM VALUE
SELECT n, n, n + 1, CASE WHEN n % 100 = 0 THEN 'co_borrower' ELSE 'guarantor' END, true, NULL
  FROM generate_series(1, :loans - 1, 10) n;

INSERT INTO loan_party_change (loan_party_id, at, is_party, source, source_kind)
SELECT n, :now, true, 'tape', 'system'
  FROM generate_series(1, :loans - 1, 10) n;

INSERT INTO representative (person_fact_id, kind, contacted, name_encrypted, since, source)
SELECT id, 'attorney', true, repeat('x', 90)::bytea, :now, 'S-1'
  FROM person_fact WHERE id % 50 = 0;
