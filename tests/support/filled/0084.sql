-- Revision 0084: samples of calls, and reviews.
INSERT INTO quality_sample (id, first_day, last_day, sheet, sheet_version, seed, calls,
                            without_recording, drawn_at, drawn_by)
OVERRIDING SYSTEM VALUE
SELECT n, :today - n, :today - n, 'calls_cn', 1, 'a seed', 10, 0, :now, 'sup-1'
  FROM generate_series(1, 500) n;
INSERT INTO quality_pick (quality_sample_id, contact_id, because)
SELECT 1 + n % 500, :loans + n, '{random}' FROM generate_series(1, :loans) n;
INSERT INTO quality_review (contact_id, sheet, sheet_version, reviewer, reviewed_at, marks,
                            failed_critical, passed)
SELECT :loans + n, 'calls_cn', 1, 'sup-1', :now - interval '1 hour' * n, '{}', false, true
  FROM generate_series(1, :loans) n;
