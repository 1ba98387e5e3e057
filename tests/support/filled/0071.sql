-- Revision 0071: disputes with their holds, and complaints about collectors.
INSERT INTO dispute (external_id, sender, loan_id, borrower_id, kind, raised_by, received_at, recorded_at, actor, status, acknowledge_by, answer_by, clock, check_at, hold_id)
SELECT 'D-' || n, 'lender', n, n, 'amount', 'call', :now, :now, 'c-1', 'received', :now + interval '5 days', :now + interval '15 days', 'running', :now + n * interval '1 minute', (SELECT min(h.id) FROM hold h)
  FROM generate_series(1, 600) AS n;
INSERT INTO dispute (external_id, sender, loan_id, borrower_id, kind, raised_by, received_at, recorded_at, actor, status, clock, handler, taken_at, resolved_at, resolved_by, finding)
SELECT 'D-' || n, 'lender', n, n, 'amount', 'call', :now, :now, 'c-1', 'rejected', 'running', 's-1', :now, :now, 's-1', 'records_differ'
  FROM generate_series(601, 6000) AS n;
INSERT INTO complaint (external_id, sender, loan_id, borrower_id, kind, raised_by, received_at, recorded_at, actor, status, acknowledge_by, answer_by, clock, check_at, about_staff)
SELECT 'C-' || n, 'lender', n, n, 'conduct', 'letter', :now, :now, 'c-1', 'received', :now + interval '5 days', :now + interval '15 days', 'running', :now + n * interval '1 minute', 'c-' || n
  FROM generate_series(1, 600) AS n;
INSERT INTO complaint (external_id, sender, loan_id, borrower_id, kind, raised_by, received_at, recorded_at, actor, status, clock, handler, taken_at, resolved_at, resolved_by, finding)
SELECT 'C-' || n, 'lender', n, n, 'fees', 'letter', :now, :now, 'c-1', 'rejected', 'running', 's-1', :now, :now, 's-1', 'rules_kept'
  FROM generate_series(601, 6000) AS n;
