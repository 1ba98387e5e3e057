-- Revision 0039: of each second record, the number that it had before.

INSERT INTO former_number (contact_point_id, borrower_id)
SELECT 1 + n % :loans, n FROM generate_series(1, :loans, 2) n;
