-- Revision 0053: notices of default that somebody gives, because no letter has a way to the person.
INSERT INTO duty (loan_id, arrangement_id, owner, due_at, made_at, ended_at, ended_by)
SELECT a.loan_id, a.id, 'supervisor', :now, :now,
       CASE WHEN a.id % 98 <> 0 THEN CAST(:now AS timestamptz) END,
       CASE WHEN a.id % 98 <> 0 THEN 'S-1' END
  FROM arrangement a WHERE a.id % 7 = 0;
