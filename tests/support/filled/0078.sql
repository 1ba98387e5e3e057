-- Revision 0078: what somebody owed after each conversation; little of it is still open.
INSERT INTO duty (loan_id, contact_id, outcome, owner, staff, due_at, made_at, ended_at, ended_by)
SELECT c.loan_id, c.id, 'asks_plan', 'team', NULL, :now, :now,
       CASE WHEN c.id % 49 <> 0 THEN CAST(:now AS timestamptz) END,
       CASE WHEN c.id % 49 <> 0 THEN 'S-1' END
  FROM contact c JOIN contact_outcome o ON o.contact_id = c.id;
