-- Revision 0078: what somebody owes after conversations; the other new columns stay empty.
INSERT INTO duty (loan_id, contact_id, outcome, owner, staff, due_at, made_at)
SELECT c.loan_id, c.id, 'asks_plan', 'team', NULL, :now, :now
  FROM contact c JOIN contact_outcome o ON o.contact_id = c.id ORDER BY c.id LIMIT 50;
