"""For how long evidence has waited for its links while none was made."""

from sqlalchemy import Connection, text

# Only the first rows are looked at. Some have no moment: the chain sets them aside.
# As long as links are made, the chain works, even if it is behind, as after an upgrade.
_ASK = text("""
SELECT CAST(extract(epoch FROM clock_timestamp() - greatest(
           (SELECT min(recorded_at) FROM (SELECT recorded_at FROM evidence_due
                                           ORDER BY id LIMIT 100) AS first),
           (SELECT recorded_at FROM evidence_head ORDER BY id DESC LIMIT 1))) AS bigint) / 60
 WHERE EXISTS (SELECT FROM (SELECT recorded_at FROM evidence_due ORDER BY id LIMIT 100) AS first
                WHERE recorded_at IS NOT NULL)
""")


def minutes_without_links(connection: Connection) -> int | None:
    """Whole minutes, by the clock of the database, for which rows have waited without a link being
    made; None if none waits."""
    minutes: int | None = connection.execute(_ASK).scalar()
    return minutes
