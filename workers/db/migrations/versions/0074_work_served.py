"""Work is served to collectors with a lease; who took work over is on record."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0074"
down_revision = "0068"

_BANDS = (
    "'callback', 'clock', 'reply', 'waited', 'broken_promise', 'window', 'first_contact', "
    "'value', 'unfinished', 'taken_over'"
)
_ENDS = "'done', 'released', 'lapsed', 'not_allowed', 'taken_over'"


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True)


def _refers_to(table: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(
        f"{table}_id", sa.BigInteger(), sa.ForeignKey(f"{table}.id"), nullable=nullable
    )


def upgrade() -> None:
    op.add_column("call", sa.Column("ended_at", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE call SET ended_at = a.changed_at FROM action a "
        "WHERE a.id = call.action_id AND a.status <> 'assigned' AND call.cancelled_at IS NULL"
    )
    op.create_index(
        "call_open_idx",
        "call",
        ["staff_id"],
        postgresql_where="ended_at IS NULL AND cancelled_at IS NULL",
    )
    op.create_index(
        "contact_outcome_callback_at_idx",
        "contact_outcome",
        ["callback_at"],
        postgresql_where="callback_at IS NOT NULL",
    )
    op.create_table(
        "work_lease",
        _id(),
        _refers_to("staff"),
        _refers_to("borrower"),
        _refers_to("person"),
        _refers_to("loan", nullable=True),
        _refers_to("call", nullable=True),
        _refers_to("reply", nullable=True),
        sa.Column("band", sa.Text(), nullable=False),
        sa.Column("first_contact", sa.Boolean(), nullable=False),
        sa.Column("why", JSONB(none_as_null=True), nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("ended_because", sa.Text()),
        sa.CheckConstraint(f"band IN ({_BANDS})", name=op.f("work_lease_band_known")),
        sa.CheckConstraint(
            f"ended_because IN ({_ENDS})", name=op.f("work_lease_ended_because_known")
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_because IS NULL)",
            name=op.f("work_lease_ended_with_its_reason"),
        ),
    )
    for whose in ("staff", "person"):
        op.create_index(
            f"work_lease_one_live_per_{whose}",
            "work_lease",
            [f"{whose}_id"],
            unique=True,
            postgresql_where="ended_at IS NULL",
        )
    op.create_index("work_lease_staff_id_served_at_idx", "work_lease", ["staff_id", "served_at"])
    op.create_index("work_lease_borrower_id_idx", "work_lease", ["borrower_id"])
    op.create_table(
        "work_takeover",
        _id(),
        _refers_to("work_lease"),
        sa.Column("taken_from", sa.Text(), nullable=False),
        sa.Column("given_to", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("why_id", UUID(as_uuid=True)),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("work_takeover_work_lease_id_idx", "work_takeover", ["work_lease_id"])
