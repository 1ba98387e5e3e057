"""The chain of evidence covers whose a loan is, of every loan.

A loan on record gets a link that has its borrower. Its earlier links stay as they are. A loan that
is not what its newest link says gets none, so that it goes on to be found. The links of the numbers
are queued with their new triggers, which are made after the last revision.
"""

from alembic import op

revision = "0073"
down_revision = "0072"

_COLUMNS = (
    *("written_off_on", "written_off_at", "written_off_by", "written_off_why_id"),
    "validation_notice_on",
)
_WRITE_OFF = ", ".join(f"'{name}', t.{name}" for name in _COLUMNS)
_DIGEST = "sha256(convert_to(jsonb_strip_nulls(jsonb_build_object({columns}))::text, 'UTF8'))"
_BEFORE = _DIGEST.format(columns=f"'id', t.id, {_WRITE_OFF}")
_NOW = _DIGEST.format(columns=f"'id', t.id, 'borrower_id', t.borrower_id, {_WRITE_OFF}")


def upgrade() -> None:
    op.execute("SET LOCAL timezone = 'UTC'")
    op.execute("SET LOCAL bytea_output = 'hex'")
    op.execute(f"""
        INSERT INTO evidence_due (kind, row_id, chain, digest, recorded_at)
        SELECT 'loan', t.id, t.id, {_NOW}, clock_timestamp()
          FROM loan t
          LEFT JOIN LATERAL (SELECT l.row_digest FROM evidence_link l
                              WHERE l.kind = 'loan' AND l.row_id = t.id
                              ORDER BY l.id DESC LIMIT 1) newest ON true
          LEFT JOIN LATERAL (SELECT d.digest FROM evidence_due d
                              WHERE d.kind = 'loan' AND d.row_id = t.id
                              ORDER BY d.id DESC LIMIT 1) waits ON true
         WHERE coalesce(waits.digest, newest.row_digest, {_BEFORE}) = {_BEFORE}
         ORDER BY t.id
    """)  # noqa: S608 - the columns are our own
