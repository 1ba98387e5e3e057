-- Revision 0070: arrangements; those of every fourth loan are active, the others have ended.
INSERT INTO arrangement (loan_id, external_id, sender, status, asked_by, requested_by, requested_at,
                         kind, wish_instalments, terms_id, terms_version, quoted_on, valid_until,
                         quote, quote_digest, to_pay_before, to_pay_after, grace_days,
                         missed_ends_it, offered_by, offered_as, offered_at, accepted_on,
                         accepted_at, accepted_by, proof, proof_reference, ended_at, review_on)
SELECT id, 'AR-' || id, 'staff', CASE WHEN id % 4 = 0 THEN 'active' ELSE 'completed' END, 'call',
       'C-1', :now, 'instalment_plan', 2, 'arrangements_cn', 1, CAST(:today AS date),
       CAST(:today AS date) + 7, '{}', md5('q'), 100, 101, 5, 2, 'C-1', 'caller', :now,
       CAST(:today AS date), :now, 'C-1', 'recording', 'R-' || id,
       CASE WHEN id % 4 = 0 THEN NULL ELSE CAST(:now AS timestamptz) END,
       CASE WHEN id % 4 = 0 THEN CAST(:today AS date) + CAST(id % 60 AS int) END
  FROM loan WHERE id % 3 = 0;
INSERT INTO arrangement_instalment (arrangement_id, due_on, principal, interest, fees)
SELECT a.id, CAST(:today AS date) + 30 * CAST(n AS int), 50, 0.5, 0
  FROM arrangement a, generate_series(1, 2) AS n;
