"""Evidence that cannot be changed, and shows when it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

EVIDENCE = {
    "decision": "id",
    "action_event": "id",
    "contact": "id",
    "contact_outcome": "contact_id",
    "receipt": "id",
    "access": "id",
    "erasure": "id",
}
APPEND_ONLY = (*EVIDENCE, "evidence_head", "evidence_link")

IS_DUE = """
CREATE FUNCTION evidence_is_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO evidence_due (kind, row_id) SELECT %L, %I FROM written', TG_ARGV[0], TG_ARGV[1]
    );
    RETURN NULL;
END $$
"""
STAYS = """
CREATE FUNCTION evidence_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are evidence: they are added to, never changed or removed',
        TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""


def upgrade() -> None:
    _tables()
    op.execute(IS_DUE)
    op.execute(STAYS)
    for table, key in EVIDENCE.items():
        op.execute(f"INSERT INTO evidence_due (kind, row_id) SELECT '{table}', {key} FROM {table}")  # noqa: S608
        op.execute(
            f"CREATE TRIGGER {table}_is_due AFTER INSERT ON {table} "
            "REFERENCING NEW TABLE AS written FOR EACH STATEMENT "
            f"EXECUTE FUNCTION evidence_is_due('{table}', '{key}')"
        )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION evidence_stays()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stays_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION evidence_stays()"
        )


def _tables() -> None:
    op.create_table(
        "evidence_due",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("evidence_due_pkey")),
    )
    op.create_table(
        "evidence_head",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("links", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("evidence_head_pkey")),
    )
    op.create_table(
        "evidence_link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("evidence_head_id", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evidence_head_id"],
            ["evidence_head.id"],
            name=op.f("evidence_link_evidence_head_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("evidence_link_pkey")),
        sa.UniqueConstraint("chain", "seq", name=op.f("evidence_link_chain_seq_key")),
        sa.UniqueConstraint("kind", "row_id", name=op.f("evidence_link_kind_row_id_key")),
    )
    op.create_index(
        op.f("evidence_link_evidence_head_id_idx"), "evidence_link", ["evidence_head_id"]
    )
