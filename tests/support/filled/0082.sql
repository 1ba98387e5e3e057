-- Revision 0082: checks of who somebody is, in calls.
INSERT INTO party_check (contact_id, borrower_id, actor, at, questions, matched, at_least, passed)
SELECT :loans + n, n, 'S-1', :now, '{name,postcode}', '{name,postcode}', 2, true
  FROM generate_series(1, :loans) n;
