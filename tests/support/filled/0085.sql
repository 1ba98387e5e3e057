-- Revision 0085: requests have a clock; one in four was refused.
UPDATE arrangement SET refusal = 'not_eligible' WHERE status = 'declined';
