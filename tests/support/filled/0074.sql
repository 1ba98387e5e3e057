-- Revision 0074: what collectors were served, and what was taken over.
INSERT INTO work_lease (id, staff_id, borrower_id, person_id, loan_id, call_id, band, first_contact,
                        why, served_at, until, ended_at, ended_because) OVERRIDING SYSTEM VALUE
SELECT n, 1 + n % 60, n, n, n, n, 'value', n % 4 = 0, '["next_last_day"]',
       :now - interval '1 hour' * (n % 2000), :now - interval '1 hour' * (n % 2000),
       :now - interval '1 hour' * (n % 2000), 'done'
  FROM generate_series(1, :loans) n;

INSERT INTO work_takeover (work_lease_id, taken_from, given_to, actor, at)
SELECT n, 'S-1', 'S-2', 'S-3', :now
  FROM generate_series(1, :loans) n;
