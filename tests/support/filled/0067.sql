-- Revision 0067: teams, certificates, absences, whom staff must not handle, and their days.
INSERT INTO team (external_id, supervisor)
SELECT 'team-' || n, 'sup-1' FROM generate_series(1, 20) AS n;
INSERT INTO certificate (staff_id, kind, valid_until)
SELECT id, 'hardship', CAST(:now AS timestamptz)::date + 100 FROM staff;
INSERT INTO absence (staff_id, kind, starts_at, ends_at, by_roster, noted_by, noted_at)
SELECT s.id, 'leave', CAST(:now AS timestamptz) - n * interval '1 day',
       CAST(:now AS timestamptz) - n * interval '1 day' + interval '1 hour', true, 'adm-1', :now
  FROM staff s, generate_series(1, 100) AS n;
INSERT INTO must_not_handle (staff_id, borrower_id, by_roster, noted_by, noted_at)
SELECT (SELECT min(id) FROM staff) + n % (SELECT count(*) FROM staff), 12 * n, true, 'adm-1', :now
  FROM generate_series(1, :loans / 12) AS n;
INSERT INTO collector_day (staff_id, day, pieces, minutes, share)
SELECT id, CAST(:now AS timestamptz)::date, 1, 5, 1 FROM staff;
INSERT INTO call_plan (action_id, staff_id, day, minutes, share, planned_at)
SELECT id, NULL, CAST(:now AS timestamptz)::date, 5, 1, :now FROM action ORDER BY id LIMIT 20;
