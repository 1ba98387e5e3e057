-- Revision 0059: what commands and calls asked for, some of it in vain.
INSERT INTO permission_use (at, actor, actor_kind, permission, granted)
SELECT :now, 'caller-01', 'staff', 'loans:read', true FROM generate_series(1, 1000);
INSERT INTO permission_use (at, actor, actor_kind, permission, granted, times)
SELECT :now, 'system-1', 'machine', 'events:hold', false, n FROM generate_series(1, 100) AS n;
