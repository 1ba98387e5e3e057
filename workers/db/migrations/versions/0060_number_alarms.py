"""Who asks for more telephone numbers than anybody dials, and which machine was given one.

A machine may be the actor wherever an actor is named.
"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0056"

_ACTORS = "IN ('staff', 'machine', 'system', 'provider', 'borrower')"
_NAMING = {
    "erasure": "actor_kind",
    "person_fact": "source_kind",
    "contact_point_fact": "source_kind",
    "loan_party_change": "source_kind",
    "representative_wish": "source_kind",
}


def upgrade() -> None:
    op.create_table(
        "number_alarm",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("numbers", sa.Integer(), nullable=False),
        sa.CheckConstraint(f"actor_kind {_ACTORS}", name=op.f("number_alarm_actor_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("number_alarm_pkey")),
    )
    op.add_column("access", sa.Column("machine", sa.Text(), nullable=True))
    op.create_index(
        "access_machine_at_idx",
        "access",
        ["machine", "at"],
        postgresql_where=sa.text("machine IS NOT NULL"),
    )
    op.create_index(
        "contact_actor_at_idx",
        "contact",
        ["actor", "at"],
        postgresql_where=sa.text("attempt IS NOT NULL"),
    )
    for table, column in _NAMING.items():
        name = op.f(f"{table}_{column}_known")
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, f"{column} {_ACTORS}")
