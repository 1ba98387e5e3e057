"""What a tape said last of each loan, as digests, and the loans that an import has yet to change.

A loan whose instalments change in any other way has no digest any more, whoever changes them: the
next tape reads its row. Imports of before are finished, because each was one transaction.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"

# The array, not a join: it is planned once, and always finds the rows by the index.
FORGET = """
CREATE FUNCTION forget_tape_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tape_row
     WHERE loan_id = ANY (ARRAY(SELECT DISTINCT c.loan_id FROM changed c));
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.add_column(
        "tape_import",
        sa.Column("status", sa.Text(), server_default="finished", nullable=False),
    )
    op.alter_column("tape_import", "status", server_default=None)
    op.create_check_constraint(
        op.f("tape_import_status_known"),
        "tape_import",
        "status IN ('merging', 'finished', 'superseded', 'abandoned')",
    )
    op.create_table(
        "tape_pending_loan",
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("tape_import_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tape_import_id"],
            ["tape_import.id"],
            name=op.f("tape_pending_loan_tape_import_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("external_id", name=op.f("tape_pending_loan_pkey")),
    )
    op.create_table(
        "tape_row",
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.UUID(), nullable=False),
        sa.Column("customers", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("persons", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("problems", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("tape_row_loan_id_fkey")),
        sa.PrimaryKeyConstraint("loan_id", name=op.f("tape_row_pkey")),
    )
    op.execute(FORGET)
    for event, table in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        op.execute(
            f"CREATE TRIGGER instalment_{event.lower()} AFTER {event} ON instalment "
            f"REFERENCING {table} TABLE AS changed "
            "FOR EACH STATEMENT EXECUTE FUNCTION forget_tape_row()"
        )
