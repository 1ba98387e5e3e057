-- Revision 0064: arrangements whose end was taken back.
INSERT INTO arrangement_return (arrangement_id, at, ended_at, from_status, to_status)
SELECT id, :now, :now, 'defaulted', 'active' FROM arrangement, generate_series(1, 12);
