-- Revision 0002: these tables have other rows than before.

INSERT INTO message (id, action_id, contact_id, provider, sender, sid, status, template,
                     template_version, locale, segments, body_encrypted, created_at, changed_at)
SELECT gen_random_uuid(), n, n, 'twilio', '+15005550006', 'SM-' || n,
       CASE WHEN n % 200 = 1 THEN 'unknown' WHEN n % 200 = 3 THEN 'reserved' WHEN n % 200 = 5 THEN 'send_failed'
            ELSE 'delivered' END,
       'reminder', '1', 'zh-Hans', 2, repeat('x', 250)::bytea, :now - interval '3 hours', :now
  FROM generate_series(1, :loans) n;

INSERT INTO hold (id, loan_id, external_id, kind, starts_on, ends_on, actor, why, made_at)
OVERRIDING SYSTEM VALUE
SELECT n, n, 'H-' || n, 'promise', :today - 20, :today - 10, 'S-1', NULL, :now
  FROM generate_series(1, :loans) n;
