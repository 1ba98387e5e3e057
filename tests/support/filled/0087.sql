-- Revision 0087: letters that announce the default of an arrangement, beside those of actions.
INSERT INTO document (loan_id, action_id, kind, template, template_version, locale, created_at)
SELECT n, n, 'letter', 'letter', '1', 'zh-Hans', :now FROM generate_series(1, :loans) n;
INSERT INTO document (loan_id, arrangement_id, kind, template, template_version, locale,
                      body_encrypted, created_at)
SELECT 3 * n, n, 'default_notice', 'arrangement_default_letter', 'v', 'en', '\x00', :now
  FROM generate_series(1, :loans / 12) AS n;
