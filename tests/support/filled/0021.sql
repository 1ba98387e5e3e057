-- Revision 0021: this table has other rows than before.

INSERT INTO message (id, action_id, contact_id, provider, sender, sid, status, template,
                     template_version, locale, segments, body_encrypted, created_at, changed_at)
SELECT gen_random_uuid(), n, n, 'twilio', '+15005550006', 'SM-' || n,
       CASE WHEN n % 200 = 1 THEN 'unknown' WHEN n % 200 = 3 THEN 'reserved' WHEN n % 200 = 5 THEN 'send_failed'
            WHEN n % 200 = 7 THEN 'sent'
            ELSE 'delivered' END,
       'reminder', '1', 'zh-Hans', 2, repeat('x', 250)::bytea, :now - interval '3 hours', :now
  FROM generate_series(1, :loans) n;
