-- Revision 0025: these tables have other rows than before.

INSERT INTO tape_import (id, file_name, mapping, as_of, rows_taken, rows_rejected, status, imported_at)
OVERRIDING SYSTEM VALUE
VALUES (1, 'book.csv', 'arrears', :today, :loans, 0, 'finished', :now),
       (2, 'next.csv', 'arrears', :today, :loans, 0, 'merging', :now);

INSERT INTO tape_row (loan_id, digest, customers, persons)
SELECT id, gen_random_uuid(), ARRAY[gen_random_uuid()], ARRAY[id] FROM loan;

INSERT INTO tape_pending_loan (external_id, tape_import_id) SELECT external_id, 2 FROM loan;
