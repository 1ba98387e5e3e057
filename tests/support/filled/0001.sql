-- Rows for every table as revision 0001 leaves them, filled by PostgreSQL itself.
-- :loans, :now and :today are given. One loan in fifty is past due and as many are due for a look;
-- work that waits, events that wait and open cases are as few, for most of what is on record is done.
-- A new revision gets a file with the tables whose rows it changes, so that the next one can be
-- tested on a database it filled. `-- gone: TABLE` names a table that it removes.

INSERT INTO staff (id, external_id, roles, daily_capacity) OVERRIDING SYSTEM VALUE
SELECT n, 'S-' || n, ARRAY[(ARRAY['caller', 'visitor', 'supervisor'])[1 + n % 3]], 50
  FROM generate_series(1, 60) n;

INSERT INTO borrower (id, external_id, name_encrypted, phone_encrypted, phone_blind_index,
    address_encrypted,
                      facts_digest, zones, locale, updated_at) OVERRIDING SYSTEM VALUE
SELECT n, 'B-' || n, repeat('x', 90)::bytea, repeat('x', 90)::bytea, sha256(int8send(n)),
       repeat('x', 120)::bytea, sha256(int8send(-n)), ARRAY['Asia/Shanghai'], 'zh-Hans', :now
  FROM generate_series(1, :loans) n;

INSERT INTO loan (id, external_id, borrower_id, jurisdiction, product, currency, delinquent_since,
                  review_on, updated_at) OVERRIDING SYSTEM VALUE
SELECT n, 'L-' || n, n, 'CN', 'consumer_loan', 'CNY',
       CASE WHEN n % 50 = 0 THEN :today - 3 END,
       CASE WHEN n % 50 = 0 THEN :today ELSE :today + 1 + (n % 30)::int END, :now
  FROM generate_series(1, :loans) n;

INSERT INTO instalment (loan_id, due_on, principal, paid_principal)
SELECT n, :today - 3 + 30 * i, 1000, CASE WHEN i = 0 AND n % 50 = 0 THEN 0 ELSE 1000 END
  FROM generate_series(1, :loans) n, generate_series(-3, 0) i;

INSERT INTO payment (id, external_id, loan_id, amount, currency, paid_on, recorded_at)
OVERRIDING SYSTEM VALUE
SELECT n, 'P-' || n, n, 1000, 'CNY', :today - 33, :now FROM generate_series(1, :loans) n;

INSERT INTO allocation (payment_id, due_on, component, amount)
SELECT n, :today - 33, 'principal', 1000 FROM generate_series(1, :loans) n;

INSERT INTO opt_out (borrower_id, channel, since, source, source_kind)
SELECT n, 'sms', :now, 'text', 'borrower' FROM generate_series(1, :loans, 5) n;

INSERT INTO collection_case (loan_id, opened_on, closed_at, closed_because)
SELECT n, :today - 2, CASE WHEN n % 50 > 0 THEN :now END, CASE WHEN n % 50 > 0 THEN 'cured' END
  FROM generate_series(1, :loans) n;

INSERT INTO decision (id, loan_id, decided_at, business_date, outcome, days_past_due, past_due,
                      rule_packs) OVERRIDING SYSTEM VALUE
SELECT i * :loans + n, n, :now - interval '1 day' * (40 - i), :today - 40 + i, 'act', 1, 1000,
       ARRAY['cn v2']
  FROM generate_series(1, :loans) n, generate_series(0, 2) i;

INSERT INTO action (id, loan_id, decision_id, delinquent_since, step, item, type, ladder_id,
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

INSERT INTO action_event (action_id, at, from_status, to_status)
SELECT n, :now, 'planned', 'done' FROM generate_series(1, 3 * :loans) n;

INSERT INTO approval (action_id, role, actor, approved_at)
SELECT n, 'supervisor', 'S-3', :now FROM generate_series(1, :loans, 5) n;

INSERT INTO contact (id, borrower_id, loan_id, action_id, channel, at, attempt)
OVERRIDING SYSTEM VALUE
SELECT i * :loans + n, n, n, i * :loans + n, (ARRAY['sms', 'call', 'visit'])[1 + i],
       :now - interval '1 day' * i, CASE WHEN i > 0 THEN 'A-' || i || '-' || n END
  FROM generate_series(1, :loans) n, generate_series(0, 2) i;

INSERT INTO contact_outcome (contact_id, outcome, connected, actor, reported_at)
SELECT n, 'no_answer', false, 'S-1', :now
  FROM generate_series(:loans + 1, 3 * :loans) n WHERE n % 50 > 0;

INSERT INTO message (id, action_id, contact_id, provider, sender, sid, status, template,
                     template_version, locale, segments, body_encrypted, created_at, changed_at)
SELECT gen_random_uuid(), n, n, 'twilio', '+15005550006', 'SM-' || n,
       CASE WHEN n % 200 = 1 THEN 'unknown' WHEN n % 200 = 3 THEN 'reserved' ELSE 'delivered' END,
       'reminder', '1', 'zh-Hans', 2, repeat('x', 250)::bytea, :now - interval '3 hours', :now
  FROM generate_series(1, :loans) n;

INSERT INTO receipt (message_id, sid, status, received_at)
SELECT id, sid, word, :now FROM message, unnest(ARRAY['sent', 'delivered']) word;

INSERT INTO reply (id, borrower_id, loan_id, provider, sid, kind, received_at, staff_id,
                   assigned_at, handled_at, actor) OVERRIDING SYSTEM VALUE
SELECT n, n, n, 'twilio', 'RE-' || n, 'other', :now, 1 + n % 60,
       :now - interval '1 hour' * (n % 2000),
       CASE WHEN n % 50 > 0 THEN :now END, CASE WHEN n % 50 > 0 THEN 'S-1' END
  FROM generate_series(1, :loans) n;

INSERT INTO document (loan_id, action_id, kind, template, template_version, locale, created_at)
SELECT n, n, 'letter', 'letter', '1', 'zh-Hans', :now FROM generate_series(1, :loans) n;

INSERT INTO call (loan_id, action_id, staff_id, purpose, language, assigned_at, cancelled_at)
SELECT n, :loans + n, 1 + n % 60, 'enquire', 'zh-Hans', :now - interval '1 hour' * (n % 2000),
       CASE WHEN n % 25 = 1 THEN :now END
  FROM generate_series(1, :loans) n;

INSERT INTO visit (id, loan_id, action_id, purpose, starts_at, ends_at, scheduled_at, contact_id,
                   cancelled_at) OVERRIDING SYSTEM VALUE
SELECT n, n, 2 * :loans + n, 'enquire', :now + interval '1 hour' * (n - 5000),
       :now + interval '1 hour' * (n - 4999), :now, 2 * :loans + n,
       CASE WHEN n % 25 = 1 THEN :now END
  FROM generate_series(1, :loans) n;

INSERT INTO visit_staff (visit_id, staff_id, starts_at, ends_at)
SELECT id, i, starts_at, ends_at FROM visit, generate_series(1, 2) i WHERE id % 6 = 0;

INSERT INTO legal_file (id, loan_id, action_id, currency, principal, interest, fees, opened_at)
OVERRIDING SYSTEM VALUE
SELECT n, n, n, 'CNY', 1, 0, 0, :now FROM generate_series(1, :loans) n;

INSERT INTO legal_file_need (legal_file_id, need, met_by)
SELECT n, 'contract', '[{"text_delivered_on": {"sid": "SM1", "on": "2026-03-02"}}]' FROM generate_series(1, :loans) n;

INSERT INTO hold (id, loan_id, external_id, kind, starts_on, ends_on, actor, why, made_at)
OVERRIDING SYSTEM VALUE
SELECT n, n, 'H-' || n, 'promise', :today - 20, :today - 10, 'S-1', 'it was promised', :now
  FROM generate_series(1, :loans) n;

INSERT INTO hold_release (hold_id, at, ends_on)
SELECT n, :now, :today - 10 FROM generate_series(1, :loans) n;

INSERT INTO promise (loan_id, hold_id, external_id, amount, due_on, actor, made_at, status,
                     completed_at)
SELECT n, n, 'PR-' || n, 10, :today - 20, 'S-1', :now,
       CASE WHEN n % 100 = 0 THEN 'open' ELSE 'kept' END, CASE WHEN n % 100 > 0 THEN :now END
  FROM generate_series(1, :loans) n;

INSERT INTO problem (loan_id, kind, detail, found_at, resolved_at)
SELECT n, 'phone_missing', '["phone_missing"]', :now, CASE WHEN n % 100 > 0 THEN :now END
  FROM generate_series(1, :loans) n;

INSERT INTO tape_import (id, file_name, mapping, as_of, rows_taken, rows_rejected, imported_at)
OVERRIDING SYSTEM VALUE VALUES (1, 'tape.csv', 'tape', :today, 0, 0, :now);

INSERT INTO tape_change (tape_import_id, loan_id, at, past_due_after)
SELECT 1, n, :now, 1000 FROM generate_series(1, :loans) n;

INSERT INTO access (loan_id, borrower_id, reply_id, at, what, purpose, actor)
SELECT CASE WHEN n % 3 = 0 THEN n END, CASE WHEN n % 3 = 1 THEN n END,
       CASE WHEN n % 3 = 2 THEN n END, :now, 'number', 'collection', 'S-1'
  FROM generate_series(1, :loans) n;

INSERT INTO erasure (borrower_id, at, actor, actor_kind, why)
SELECT n, :now, 'S-3', 'staff', 'asked for' FROM generate_series(1, :loans) n;

INSERT INTO inbox_event (external_id, kind, payload, stops_contact, status, received_at,
    completed_at)
SELECT 'E-' || n, kind, jsonb_build_object(CASE kind WHEN 'contact_change' THEN 'borrower'
                                                      ELSE 'loan' END,
                                            CASE kind WHEN 'contact_change' THEN 'B-' ELSE 'L-' END
                                            || n % :loans)
       || CASE kind WHEN 'payment' THEN jsonb_build_object(
             'external_id', 'Q-' || n, 'amount', '10', 'currency', 'CNY', 'paid_on', :today)
                    ELSE '{}' END,
       kind <> 'receipt', CASE WHEN n % 100 = 0 THEN 'received' ELSE 'applied' END,
       :now - interval '1 day' * (n % 60), CASE WHEN n % 100 > 0 THEN :now END
  FROM generate_series(1, 3 * :loans) n
 CROSS JOIN LATERAL (SELECT (ARRAY['payment', 'receipt', 'contact_change'])[1 + n % 3] AS kind) k;

INSERT INTO outbox_event (event_id, loan_id, kind, payload, happened_at, status, due_at,
    completed_at)
SELECT gen_random_uuid(), n % :loans + 1, 'text.sent', '{"item": "text_day_1"}', :now, s.status,
       CASE WHEN s.status = 'waiting' THEN :now END,
       CASE WHEN s.status <> 'waiting' THEN :now - interval '1 day' * (n % 60) END
  FROM generate_series(1, 3 * :loans) n
 CROSS JOIN LATERAL (SELECT CASE n % 100 WHEN 0 THEN 'waiting' WHEN 1 THEN 'dead'
                                         ELSE 'delivered' END AS status) s;

INSERT INTO scan_run (business_date, started_at, policy_digest)
SELECT :today - n, :now, 'earlier' FROM generate_series(1, 300) n;

INSERT INTO evidence_head (id, at, links, digest) OVERRIDING SYSTEM VALUE
SELECT n, :now, 30, sha256(int8send(n)) FROM generate_series(1, :loans / 10) n;

INSERT INTO evidence_link (evidence_head_id, chain, seq, kind, row_id, digest)
SELECT 1 + (id - 1) / 30, loan_id, 1 + (id - 1) / :loans, 'decision', id, sha256(int8send(id))
  FROM decision;

INSERT INTO evidence_due (kind, row_id)
SELECT 'decision', id FROM decision WHERE id > 2 * :loans + :loans / 2;
DELETE FROM evidence_link WHERE row_id > 2 * :loans + :loans / 2;
