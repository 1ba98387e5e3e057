-- Revision 0051: these tables have other rows than before.

INSERT INTO evidence_link (evidence_head_id, chain, seq, kind, row_id, digest, row_digest,
                           recorded_at)
SELECT 1 + (id - 1) / 30, loan_id, 1 + (id - 1) / :loans, 'decision', id, sha256(int8send(id)),
       sha256(int8send(-id)), :now
  FROM decision;

INSERT INTO evidence_due (kind, row_id, chain, digest, recorded_at)
SELECT 'decision', id, loan_id, sha256(int8send(-id)), :now
  FROM decision WHERE id > 2 * :loans + :loans / 2;
DELETE FROM evidence_link WHERE row_id > 2 * :loans + :loans / 2;

INSERT INTO evidence_set_aside (kind, row_id, set_aside_at)
SELECT 'nothing', n, :now FROM generate_series(1, :loans / 1000) n;
