-- Revision 0069: follow-ups, which no decision planned, beside the actions of ladders.

INSERT INTO action (id, loan_id, decision_id, ladder_since, step, item, type, ladder_id,
                    ladder_version, status, due_at, claim_token, claimed_until, changed_at)
OVERRIDING SYSTEM VALUE
SELECT i * :loans + n, n, n, :today - 41, 'remind', 'item_' || i,
       (ARRAY['send_sms', 'assign_call', 'schedule_visit'])[1 + i], 'consumer_loan_cn', 1, s.status,
       CASE WHEN s.status IN ('planned', 'deferred') THEN :now END,
       CASE WHEN s.status = 'claimed' THEN gen_random_uuid() END,
       CASE WHEN s.status = 'claimed' THEN :now END, :now
  FROM generate_series(1, :loans) n, generate_series(0, 2) i
 CROSS JOIN LATERAL (SELECT CASE WHEN i = 0 AND n % 100 = 0 THEN 'planned'
                                 WHEN i = 0 AND n % 200 = 1 THEN 'unknown'
                                 WHEN i = 0 AND n % 200 = 3 THEN 'claimed'
                                 WHEN i = 0 AND n % 100 = 2 THEN 'dead'
                                 WHEN i > 0 AND n % 50 = 0 THEN 'assigned'
                                 ELSE 'done' END AS status) s;

INSERT INTO action (id, loan_id, ladder_since, step, item, type, ladder_id, ladder_version, status,
                    follows, cause, caused_at, act_until, changed_at) OVERRIDING SYSTEM VALUE
SELECT 3 * :loans + id, id, :today - 41, 'follow_up', 'promise_broken_call', 'assign_call',
       'consumer_loan_cn', 3, 'cancelled', 'promise_broken', 'promise:PR-' || id, :now, :today, :now
  FROM loan;
