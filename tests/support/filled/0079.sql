-- Revision 0079: promises with parts and moves; each says when it is judged.
INSERT INTO promise (loan_id, hold_id, sender, external_id, amount, due_on, actor, made_at, status,
                     completed_at, judge_on)
SELECT n, n, 'lender', 'PR-' || n, 10, :today - 20, 'S-1', :now,
       CASE WHEN n % 100 = 0 THEN 'open' ELSE 'kept' END, CASE WHEN n % 100 > 0 THEN :now END,
       :today - 18
  FROM generate_series(1, :loans) n;

INSERT INTO promise_part (promise_id, due_on, amount) SELECT id, due_on, amount FROM promise;

INSERT INTO promise_event (promise_id, at, from_status, to_status, paid)
SELECT id, :now, 'open', status, amount FROM promise WHERE status <> 'open';
