-- Revision 0057: sending holds that have ended, and a day.
INSERT INTO sending_hold (scope, cause, why, set_at, set_by, resumed_at, resumed_by)
SELECT 'all', 'person', '[{"sending_stopped": {"why": "complaints"}}]', :now,
       'operator', :now, 'sup-1'
  FROM generate_series(1, 3);
INSERT INTO sending_day (business_date, started_at, action_id, action_event_id, contact_id, waiting)
VALUES ('2026-03-02', :now, 0, 0, 0, '{}');
