-- Revision 0040: of each tenth loan that waits for a tape, the row names somebody else too.

INSERT INTO tape_pending_loan (external_id, tape_import_id, records)
SELECT external_id, 2, CASE WHEN id % 10 = 0 THEN ARRAY[1 + id % :loans] END FROM loan;
