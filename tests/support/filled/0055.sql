-- Revision 0055: the tables of permissions.
INSERT INTO machine (name, scopes, calls_a_minute, created_at, created_by)
SELECT 'system-' || n, '{events:payment}', 600, :now, 'administrator-1'
  FROM generate_series(1, 20) AS n;
INSERT INTO token (staff_id, digest, created_at, created_by, expires_at)
SELECT id, sha256(('token-' || id)::bytea), :now, 'administrator-1', :now + interval '90 days'
  FROM staff;
INSERT INTO permission_use (at, actor, actor_kind, permission, granted)
SELECT :now, 'caller-01', 'staff', 'loans:read', true FROM generate_series(1, 1000);
INSERT INTO second_person_request (permission, digest, shown, status, asked_by, asked_at)
SELECT 'data:erase', sha256(n::text::bytea), 'Erase borrower B-' || n, 'asked', 'privacy-1', :now
  FROM generate_series(1, 100) AS n;
INSERT INTO roster_version (loaded_at, loaded_by, members)
SELECT :now, 'administrator-1', '[]' FROM generate_series(1, 12);
INSERT INTO break_glass (at, os_user, what, why)
SELECT :now, 'operator', 'token for administrator-1', 'lost' FROM generate_series(1, 3);
