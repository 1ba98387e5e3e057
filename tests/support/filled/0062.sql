-- Revision 0062: a recovery with its steps, and texts that were found at a provider.
INSERT INTO recovery (since, restored, started_at, started_by, finished_at, finished_by)
VALUES (:now, true, :now, 'adm-1', :now, 'adm-1');
INSERT INTO recovery_step (recovery_id, step, subject, status, at, actor)
SELECT r.id, 'texts_out', 'twilio', 'done', :now, 'adm-1' FROM recovery r;
INSERT INTO recovered_text (recovery_id, provider, sid, at, number_blind_index, contact_id)
SELECT r.id, 'twilio', 'SM' || n, :now, sha256(int8send(n)), NULL
  FROM recovery r, generate_series(1, 20) AS n;
