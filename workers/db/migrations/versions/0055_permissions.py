"""Who is known, by which secret, and what they were allowed; who left the staff, and when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0055"
down_revision = "0049"


def upgrade() -> None:
    op.create_table(
        "machine",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("calls_a_minute", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("calls_a_minute > 0", name=op.f("machine_some_calls")),
        sa.PrimaryKeyConstraint("id", name=op.f("machine_pkey")),
        sa.UniqueConstraint("name", name=op.f("machine_name_key")),
    )
    op.create_table(
        "permission_use",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=True),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "actor_kind IN ('staff', 'machine', 'system', 'provider', 'borrower')",
            name=op.f("permission_use_actor_kind_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("permission_use_pkey")),
    )
    op.create_table(
        "second_person_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "decided_by <> asked_by", name=op.f("second_person_request_decided_by_another")
        ),
        sa.CheckConstraint(
            "status IN ('asked', 'granted', 'refused', 'done')",
            name=op.f("second_person_request_status_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("second_person_request_pkey")),
    )
    op.create_index(
        "second_person_request_waiting_idx",
        "second_person_request",
        ["id"],
        unique=False,
        postgresql_where="status = 'asked'",
    )
    op.create_table(
        "token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("machine_id", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(staff_id IS NULL) <> (machine_id IS NULL)", name=op.f("token_of_one_holder")
        ),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("token_machine_id_fkey")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("token_staff_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("token_pkey")),
        sa.UniqueConstraint("digest", name=op.f("token_digest_key")),
    )
    op.create_index(
        "token_machine_idx",
        "token",
        ["machine_id"],
        unique=False,
        postgresql_where="machine_id IS NOT NULL",
    )
    op.create_index(
        "token_staff_idx",
        "token",
        ["staff_id"],
        unique=False,
        postgresql_where="staff_id IS NOT NULL",
    )
    op.create_table(
        "break_glass",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("os_user", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("break_glass_pkey")),
    )
    op.create_table(
        "roster_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("loaded_by", sa.Text(), nullable=False),
        sa.Column("members", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("roster_version_pkey")),
    )
    op.add_column("staff", sa.Column("left_on", sa.Date(), nullable=True))
    roles = postgresql.ARRAY(sa.Text())
    stands_in = sa.Column[list[str]]("stands_in_for", roles, server_default="{}", nullable=False)
    op.add_column("staff", stands_in)
    op.add_column("staff", sa.Column("stands_in_until", sa.Date(), nullable=True))
