-- Revision 0075: requests that were decided, which the widened checks must take.
INSERT INTO second_person_request (permission, digest, shown, status, asked_by, asked_at, decided_by, decided_at)
SELECT 'data:export', sha256(int8send(n)), 'export', 'refused', 'c-1', :now, 'c-2', :now
  FROM generate_series(1, 5) AS n;
