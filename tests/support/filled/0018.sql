-- Revision 0018: this table is new.

INSERT INTO acknowledgement (loan_id, acknowledged_on, proof, document, actor, recorded_at)
SELECT n, (:today)::date - n::int % 900, (ARRAY['signed', 'not_said'])[1 + n % 2], 'D-' || n, 'S-1', :now
  FROM generate_series(1, :loans, 50) n;
