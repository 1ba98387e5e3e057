-- Revision 0069: follow-ups, which no decision planned.

INSERT INTO action (loan_id, ladder_since, step, item, type, ladder_id, ladder_version, status,
                    follows, cause, caused_at, act_until, changed_at)
SELECT id, :today - 41, 'follow_up', 'promise_broken_call', 'assign_call', 'consumer_loan_cn', 3,
       'cancelled', 'promise_broken', 'promise:PR-' || id, :now, :today, :now
  FROM loan;
