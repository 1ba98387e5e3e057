-- Revision 0036: these tables have other rows than before.

INSERT INTO inbox_event (sender, external_id, kind, payload, stops_contact, reaches_number,
    reaches_address, status,
    received_at, completed_at)
SELECT (ARRAY['lender', 'staff', 'twilio'])[1 + n % 3], 'E-' || n, kind, jsonb_build_object(CASE kind WHEN 'contact_change' THEN 'borrower'
                                                     WHEN 'contact_outcome' THEN 'attempt'
                                                     WHEN 'reply_read' THEN 'reply'
                                                     WHEN 'receipt' THEN 'number'
                                                     ELSE 'loan' END,
                                           CASE kind WHEN 'contact_change' THEN 'B-' || n % :loans
                                                     WHEN 'contact_outcome' THEN 'A-' || n
                                                     WHEN 'reply_read' THEN n::text
                                                     WHEN 'receipt' THEN
                                                          encode(sha256(int8send(n)), 'hex')
                                                     ELSE 'L-' || n % :loans END)
       || CASE kind WHEN 'payment' THEN jsonb_build_object(
             'external_id', 'Q-' || n, 'amount', '10', 'currency', 'CNY', 'paid_on', :today)
                    WHEN 'same_person' THEN jsonb_build_object('other', 'B-' || n)
                    WHEN 'contact_change' THEN jsonb_build_object('numbers', jsonb_build_array(
                         encode(sha256(int8send(n)), 'hex'), encode(sha256(int8send(n + 1)), 'hex')))
                    ELSE '{}' END,
       true, kind = 'contact_change', kind = 'letter_returned', CASE WHEN n % 100 < 7 THEN 'received' ELSE 'applied' END,
       :now - interval '1 day' * (n % 60), CASE WHEN n % 100 >= 7 THEN :now END
  FROM generate_series(1, 3 * :loans) n
 CROSS JOIN LATERAL (SELECT (ARRAY['payment', 'receipt', 'contact_change', 'contact_outcome',
                                   'reply_read', 'same_person', 'letter_returned'])[1 + n % 7] AS kind) k;

INSERT INTO payment (id, sender, external_id, loan_id, amount, currency, paid_on, recorded_at)
OVERRIDING SYSTEM VALUE
SELECT n, 'lender', 'P-' || n, n, 1000, 'CNY', :today - 33, :now FROM generate_series(1, :loans) n;

INSERT INTO hold (id, loan_id, sender, external_id, kind, starts_on, ends_on, actor, why, made_at)
OVERRIDING SYSTEM VALUE
SELECT n, n, 'lender', 'H-' || n, 'promise', :today - 20, :today - 10, 'S-1', NULL, :now
  FROM generate_series(1, :loans) n;

INSERT INTO promise (loan_id, hold_id, sender, external_id, amount, due_on, actor, made_at, status,
                     completed_at)
SELECT n, n, 'lender', 'PR-' || n, 10, :today - 20, 'S-1', :now,
       CASE WHEN n % 100 = 0 THEN 'open' ELSE 'kept' END, CASE WHEN n % 100 > 0 THEN :now END
  FROM generate_series(1, :loans) n;

INSERT INTO replaced_event (event_id, payload, status, reason, replaced_at)
SELECT n, jsonb_build_object('loan', 'L-' || n), 'rejected', NULL, :now - interval '1 day'
  FROM generate_series(1, :loans) n;

INSERT INTO adjustment (sender, external_id, loan_id, kind, amount, component, due_on, booked_on, recorded_at)
SELECT 'lender', 'A-' || n, n, 'charge', 5, 'fees', (:today)::date, (:today)::date - n::int % 30, :now
  FROM generate_series(1, :loans, 40) n;
