"""Teams, skills, certificates, absences, whom staff must not handle, and what they were given."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0067"
down_revision = "0079"

_MOMENT = sa.DateTime(timezone=True)


def _staff(**options: bool) -> sa.Column[int]:
    return sa.Column("staff_id", sa.BigInteger(), sa.ForeignKey("staff.id"), **options)  # type: ignore[arg-type]


def upgrade() -> None:
    op.create_table(
        "team",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("supervisor", sa.Text()),
        sa.UniqueConstraint("external_id"),
    )
    op.add_column("staff", sa.Column("team_id", sa.BigInteger(), sa.ForeignKey("team.id")))
    op.add_column("staff", sa.Column("skills", sa.ARRAY(sa.Text())))
    op.add_column("staff", sa.Column("minutes_a_day", sa.Integer()))
    op.add_column("call", sa.Column("minutes", sa.Integer()))
    op.add_column("call", sa.Column("share", sa.Integer()))
    op.create_table(
        "certificate",
        _staff(primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("valid_until", sa.Date(), nullable=False),
    )
    op.create_table(
        "absence",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        _staff(nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("starts_at", _MOMENT, nullable=False),
        sa.Column("ends_at", _MOMENT),
        sa.Column("by_roster", sa.Boolean(), nullable=False),
        sa.Column("noted_by", sa.Text(), nullable=False),
        sa.Column("noted_at", _MOMENT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('leave', 'illness', 'left', 'other')", name=op.f("absence_kind_known")
        ),
        sa.CheckConstraint("ends_at >= starts_at", name=op.f("absence_ends_after_it_starts")),
    )
    op.create_index("absence_staff_id_starts_at_idx", "absence", ["staff_id", "starts_at"])
    op.create_index("absence_ends_at_idx", "absence", ["ends_at"])
    op.create_table(
        "must_not_handle",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        _staff(nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), sa.ForeignKey("borrower.id"), nullable=False),
        sa.Column("by_roster", sa.Boolean(), nullable=False),
        sa.Column("why_id", UUID(as_uuid=True)),
        sa.Column("noted_by", sa.Text(), nullable=False),
        sa.Column("noted_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
    )
    for name in ("staff_id", "borrower_id"):
        op.create_index(f"must_not_handle_{name}_idx", "must_not_handle", [name])
    op.create_table(
        "collector_day",
        _staff(primary_key=True),
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.CheckConstraint("pieces >= 0 AND minutes >= 0", name=op.f("collector_day_not_negative")),
    )
    op.create_table(
        "call_plan",
        sa.Column("action_id", sa.BigInteger(), sa.ForeignKey("action.id"), primary_key=True),
        _staff(),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("reason", JSONB(none_as_null=True)),
        sa.Column("due_at", _MOMENT),
        sa.Column("planned_at", _MOMENT, nullable=False),
    )
