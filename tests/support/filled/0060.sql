-- Revision 0060: who asked for more numbers than anybody dials.

INSERT INTO number_alarm (at, actor, actor_kind, numbers)
SELECT :now - interval '1 day' * n, 'caller-01', 'staff', 4 FROM generate_series(1, 20) AS n;
