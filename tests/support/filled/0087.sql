-- Revision 0087: letters that announce the default of some active arrangements.
UPDATE arrangement SET noticed_at = :now, notice_days = 14 WHERE status = 'active' AND id % 8 = 0;
INSERT INTO document (loan_id, arrangement_id, kind, template, template_version, locale,
                      body_encrypted, created_at)
SELECT loan_id, id, 'default_notice', 'arrangement_default_letter', 'v', 'en', '\x00', noticed_at
  FROM arrangement WHERE noticed_at IS NOT NULL;
