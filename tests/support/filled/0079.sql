-- Revision 0079: promises with parts and moves.

INSERT INTO promise_part (promise_id, due_on, amount) SELECT id, due_on, amount FROM promise;

INSERT INTO promise_event (promise_id, at, from_status, to_status, paid)
SELECT id, :now, 'open', status, amount FROM promise WHERE status <> 'open';

UPDATE promise SET judge_on = due_on + 2;
