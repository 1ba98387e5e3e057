-- Revision 0080: disputes and complaints that were handed on, or whose kind was corrected.
INSERT INTO matter_change (dispute_id, borrower_id, field, before, after, actor, at)
SELECT d.id, d.borrower_id, 'handler', NULL, 's-1', 'arrears', :now FROM dispute d;
INSERT INTO matter_change (complaint_id, borrower_id, field, before, after, actor, at)
SELECT c.id, c.borrower_id, 'kind', 'other', c.kind, 's-1', :now FROM complaint c;
